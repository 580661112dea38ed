/**
 * Marks on their way to the server, whichever page they were made on. Each is kept on the device first and forgotten
 * when the server has it. While there is a network they are sent at once, as marks of now; what had to wait is
 * uploaded with the time it was made at. Of several tabs one sends at a time; only the person who made a mark sends it.
 */

import { Backoff } from "./backoff.js";
import { MemoryStore, openStore } from "./device-store.js";
import { RequestError, uniqueKey } from "./http.js";
import { sendNow, upload } from "./mark-transport.js";

const FRESH = 20000; // older marks are told with their time, in milliseconds
const DISBELIEF = 60000;
const MOST = 200; // in one request
const TURN = "campushub-marks";

/**
 * @typedef {import("./device-store.js").DeviceMark} DeviceMark
 * @typedef {import("./mark-transport.js").Result} Result
 */

export class DeviceMarks {
  #person;
  #urls;
  #store;
  #opened;
  #own = [];
  #others = 0;
  #arriving = [];
  #writing;
  #listeners = new Set();
  #channel = "BroadcastChannel" in window ? new BroadcastChannel(TURN) : null;
  #backoff = new Backoff();
  #timer = null;
  #sending = false;
  #again = false;
  #told = [];
  #troubled = 0;
  #watch = null;

  /** Whether the server answered last time; `trouble` says how it did not: "away", "signin", "busy" or null. */
  trouble = navigator.onLine === false ? "away" : null;

  /** @param {{person: string, urls: {bulk: string, sync: string}}} options `person`: whose marks these are */
  constructor({ person, urls }) {
    this.#person = person;
    this.#urls = urls;
    this.#opened = openStore().then((store) => {
      this.#store = store;
      return this.refresh();
    });
    this.#writing = this.#opened;
    window.addEventListener("online", () => {
      this.hear(true);
      this.send();
    });
    window.addEventListener("offline", () => this.hear(false));
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.refresh().then(() => this.send());
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.waiting.length && !this.lasts) event.preventDefault();
    });
    this.#channel?.addEventListener("message", ({ data }) => this.#overhear(data));
    this.#opened.then(() => this.send());
  }

  /** Resolves when what is kept on the device has been read. */
  get ready() {
    return this.#opened;
  }

  /** Own marks that the server has not answered, in the order they were made in. @returns {DeviceMark[]} */
  get waiting() {
    return [...this.#own.filter((mark) => mark.state === "waiting"), ...this.#arriving];
  }

  /** Own marks that the server did not take. @returns {DeviceMark[]} */
  get problems() {
    return this.#own.filter((mark) => mark.state !== "waiting");
  }

  /** How many marks other people have waiting on this device. */
  get others() {
    return this.#others;
  }

  /** Whether what is kept survives the window. */
  get lasts() {
    return this.#store?.lasts ?? true;
  }

  get store() {
    return this.#store;
  }

  holds(session, student) {
    return this.waiting.some((mark) => mark.session === session && mark.student === student);
  }

  /** @param {(results: Result[]) => void} hear is told of every change, with what the server said of which marks */
  listen(hear) {
    this.#listeners.add(hear);
    hear(this.#told);
  }

  /** @param {Omit<DeviceMark, "client_id" | "person" | "captured_at" | "late" | "attempted" | "state">[]} marks of one moment */
  push(marks) {
    const now = Date.now();
    const fresh = marks.map((mark) => ({
      ...mark,
      client_id: uniqueKey(),
      person: this.#person,
      captured_at: now,
      late: this.trouble !== null,
      attempted: false,
      state: "waiting",
    }));
    this.#arriving.push(...fresh);
    this.#tell([]);
    if (this.trouble === "away" && this.lasts) navigator.storage?.persist?.();
    this.#writing = this.#writing.then(() => this.#keep(fresh));
  }

  async #keep(fresh) {
    try {
      await this.#store.add(fresh);
    } catch {
      // No room on the device: then this window keeps them, and says that it has to stay open.
      this.#store = new MemoryStore(this.#own);
      await this.#store.add(fresh);
    }
    await this.refresh({ arrived: fresh });
    this.#channel?.postMessage({ results: [] });
    // After a failure the next try is due at its own time.
    if (this.#timer === null) this.send();
  }

  /** The person has seen that these were not taken. */
  async dismiss(marks) {
    await this.#store.remove(marks);
    await this.#changed([]);
  }

  /** Reads again what is kept: other tabs change it as well. */
  async refresh({ arrived = [] } = {}) {
    const all = await this.#store.marks();
    this.#arriving = this.#arriving.filter((mark) => !arrived.includes(mark));
    this.#own = all.filter((mark) => mark.person === this.#person);
    this.#others = all.filter((mark) => mark.person !== this.#person && mark.state === "waiting").length;
    this.#tell([]);
  }

  /** Somebody else noticed that the server answers, or that it does not. */
  hear(answers) {
    if (!answers) this.#isTroubled("away");
    else if (this.trouble === "away") {
      this.trouble = null;
      this.#backoff.reset();
      this.send();
    }
    this.#tell([]);
  }

  /**
   * Sends what waits, unless that is being done already. Where the browser says that there is no network it is
   * believed, but not for ever: some are wrong.
   */
  async send({ anyway = false } = {}) {
    if (this.trouble === "away" && navigator.onLine === false && !anyway) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.send({ anyway: true }), DISBELIEF);
      return;
    }
    if (this.#sending) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = null;
    if (!this.waiting.length) return;
    this.#sending = true;
    try {
      do {
        this.#again = false;
        await inTurn(() => this.#sendAll());
      } while (this.#again && this.#timer === null);
    } finally {
      this.#sending = false;
      this.#tell([]);
    }
  }

  async #sendAll() {
    for (;;) {
      await this.refresh();
      const batch = this.#next();
      if (!batch.length) return;
      // Noted before anything leaves: what may have arrived is never taken for unsent.
      const marks = await this.#store.attempt(batch);
      if (!marks.length) continue;
      try {
        const results = await (this.#isOfNow(batch[0]) ? sendNow(this.#urls.bulk, marks) : this.#upload(marks));
        this.#backoff.reset();
        this.trouble = null;
        await this.#settle(results);
      } catch (error) {
        if (!(error instanceof RequestError)) throw error;
        this.#fail(error);
        await this.#changed([]);
        return;
      }
    }
  }

  /** As many of the oldest as may go together: one way to send them, and of now each student once. */
  #next() {
    const waiting = this.#own.filter((mark) => mark.state === "waiting");
    const [first] = waiting;
    const batch = [];
    const students = new Set();
    for (const mark of waiting) {
      const student = `${mark.session} ${mark.student}`;
      if (batch.length === MOST || !this.#goesWith(first, mark)) break;
      if (students.has(student) && this.#isOfNow(mark)) break;
      students.add(student);
      batch.push(mark);
    }
    return batch;
  }

  /** A change of a closed class is one of now whenever it arrives: what counts is its reason. */
  #isOfNow({ reason, attempted, late, captured_at: at }) {
    const fresh = at > this.#troubled && Date.now() - at < FRESH;
    return Boolean(reason) || (!attempted && !late && !this.trouble && fresh);
  }

  #goesWith(first, mark) {
    if (this.#isOfNow(first) !== this.#isOfNow(mark)) return false;
    if (!this.#isOfNow(first)) return true;
    return ["session", "reason", "group", "attempted"].every((name) => first[name] === mark[name]);
  }

  async #upload(marks) {
    return upload(this.#urls.sync, marks, await this.#store.deviceId(uniqueKey));
  }

  async #settle(results) {
    const kept = results.filter(({ outcome }) => outcome === "conflict" || outcome === "rejected");
    for (const { mark, outcome, detail } of kept) await this.#store.refuse(mark, { state: outcome, detail });
    await this.#store.remove(results.filter((result) => !kept.includes(result)).map(({ mark }) => mark));
    await this.#changed(results);
  }

  #fail(error) {
    if (error.signedOut || error.status === 403) {
      this.#isTroubled("signin");
      return;
    }
    this.#isTroubled(error.away ? "away" : "busy");
    const pause = error.retryAfter ? error.retryAfter * 1000 : this.#backoff.next();
    this.#timer = setTimeout(() => this.send(), pause);
  }

  #isTroubled(how) {
    this.trouble = how;
    this.#troubled = Date.now();
  }

  async #changed(results) {
    await this.refresh();
    if (results.length) this.#tell(results);
    this.#channel?.postMessage({ results });
  }

  async #overhear({ results }) {
    await this.#opened;
    await this.refresh();
    const own = results.filter(({ mark }) => mark.person === this.#person);
    if (own.length) this.#tell(own);
    // The tab that tries may be closed before it succeeds.
    clearTimeout(this.#watch);
    if (this.waiting.length) this.#watch = setTimeout(() => this.send(), FRESH);
  }

  #tell(results) {
    this.#told.push(...results);
    for (const hear of this.#listeners) hear(results);
  }
}

/** One tab at a time, where the browser can say so; elsewhere the server sees to it that nothing counts twice. */
function inTurn(act) {
  return navigator.locks ? navigator.locks.request(TURN, act) : act();
}
