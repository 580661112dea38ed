/**
 * Marks on their way to the server. One request at a time; what is marked meanwhile goes into the next one, the
 * last mark of a student winning. Without a network the marks wait here and are sent by themselves.
 */

import { Backoff, wait } from "./backoff.js";
import { request, uniqueKey } from "./http.js";

export class MarkQueue {
  #url;
  #session;
  #on;
  #pending = new Map();
  #whole = [];
  #inFlight = null;
  #backoff = new Backoff();
  #wake = () => {};

  /**
   * @param {{url: string, session: string, reason: () => string,
   *   onSaved: (marks: {student: string, status: string | null}[]) => void,
   *   onRefused: (marks: object[], detail: string) => void,
   *   onWaiting: (count: number) => void}} options `onWaiting` hears how many wait for the network, 0 when none
   */
  constructor({ url, session, ...on }) {
    this.#url = url;
    this.#session = session;
    this.#on = on;
    window.addEventListener("online", () => this.#wake());
    window.addEventListener("beforeunload", (event) => {
      if (this.size) event.preventDefault();
    });
  }

  /** How many marks the server has not answered yet. */
  get size() {
    const whole = this.#whole.reduce((sum, batch) => sum + batch.length, 0);
    return this.#pending.size + whole + (this.#inFlight?.marks.length ?? 0);
  }

  /** Does a mark of this student wait or travel? */
  holds(student) {
    const batches = [...this.#whole, this.#inFlight?.marks ?? []];
    return this.#pending.has(student) || batches.some((batch) => batch.some((mark) => mark.student === student));
  }

  /** One mark, saved or refused by itself. A `status` of null takes the mark away again. */
  push(student, status) {
    this.#pending.delete(student);
    this.#pending.set(student, { student, status });
    this.#send();
  }

  /** Many marks that are saved together or not at all. */
  pushTogether(marks) {
    this.#whole.push(marks);
    this.#send();
  }

  async #send() {
    while (!this.#inFlight && (this.#pending.size || this.#whole.length)) {
      this.#inFlight = this.#next();
      const { marks } = this.#inFlight;
      try {
        this.#settle(marks, (await this.#post()).data.failed ?? []);
      } catch (error) {
        this.#inFlight = null;
        this.#on.onRefused(marks, error.message);
      }
    }
  }

  /** Single marks first: they are older than or apart from a batch that is waiting. */
  #next() {
    if (this.#pending.size) {
      const marks = [...this.#pending.values()];
      this.#pending.clear();
      return { key: uniqueKey(), atomic: false, marks };
    }
    return { key: uniqueKey(), atomic: true, marks: this.#whole.shift() };
  }

  /** Sends what is in flight until there is an answer; the same key makes a repetition harmless. */
  async #post() {
    const { key, atomic, marks } = this.#inFlight;
    const reason = this.#on.reason();
    const body = { session: this.#session, marks, atomic, ...(reason ? { reason } : {}) };
    for (;;) {
      try {
        const answer = await request(this.#url, { method: "POST", body, headers: { "Idempotency-Key": key } });
        this.#backoff.reset();
        this.#on.onWaiting(0);
        return answer;
      } catch (error) {
        if (!error.passing) {
          this.#on.onWaiting(0);
          throw error;
        }
        this.#on.onWaiting(this.size);
        const pause = error.retryAfter ? error.retryAfter * 1000 : this.#backoff.next();
        await Promise.race([wait(pause), new Promise((resolve) => (this.#wake = resolve))]);
      }
    }
  }

  #settle(marks, failed) {
    this.#inFlight = null;
    const refused = new Map(failed.map((failure) => [failure.student, failure.detail]));
    this.#on.onSaved(marks.filter((mark) => !refused.has(mark.student)));
    const rejected = marks.filter((mark) => refused.has(mark.student));
    if (rejected.length) this.#on.onRefused(rejected, refused.get(rejected[0].student));
  }
}
