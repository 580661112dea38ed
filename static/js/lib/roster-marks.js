/** Marking a roster: shown at once, kept and sent behind, taken back when the server refuses, undone step by step. */

import { uniqueKey } from "./http.js";

export class RosterMarks {
  #grid;
  #device;
  #kept;
  #class;
  #saved;
  #done = [];
  #askReason;
  #reason = "";
  #on;

  /**
   * @param {{grid: import("./roster-grid.js").RosterGrid, device: import("./device-marks.js").DeviceMarks,
   *   kept: import("./kept-roster.js").KeptRoster, session: string, course: string,
   *   askReason: null | (() => Promise<string>), changed: () => void,
   *   refused: (count: number, detail: string) => void, waits: (capturedAt: number) => string}} options
   *   `waits` says of a mark that it waits; `askReason` asks why a closed class is changed, where an empty answer
   *   means that it is left as it is
   */
  constructor({ grid, device, kept, session, course, askReason, ...on }) {
    this.#grid = grid;
    this.#device = device;
    this.#kept = kept;
    this.#class = { session, course };
    this.#askReason = askReason;
    this.#on = on;
    this.#saved = new Map(grid.students.map((student) => [student, grid.status(student)]));
    device.listen((results) => this.#hear(results));
  }

  /** Shows what came after the page was made: marks that the server has, then those that wait on this device. */
  async restore() {
    for (const [student, status] of await this.#kept.read()) this.take(student, status);
    await this.#device.ready;
    for (const mark of this.#waiting) {
      if (!this.#saved.has(mark.student)) continue;
      this.#grid.setStatus(mark.student, mark.status);
      if (mark.undoes) continue;
      const step = { student: mark.student, from: mark.was, to: mark.status };
      const last = this.#done.at(-1);
      if (mark.group && last?.group === mark.group) last.push(step);
      else this.#done.push(Object.assign([step], { group: mark.group }));
    }
    this.#flagWaiting();
    this.#on.changed();
  }

  get #waiting() {
    return this.#device.waiting.filter(({ session }) => session === this.#class.session);
  }

  /** Nothing waits for the server. */
  get idle() {
    return this.#waiting.length === 0;
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  /** @returns {Promise<boolean>} whether the student now has the status */
  async mark(student, status) {
    if (!(await this.#reasonGiven())) return false;
    const from = this.#grid.status(student);
    if (from !== status) {
      this.#push([{ student, from, to: status }]);
      this.#remember([{ student, from, to: status }]);
    }
    return true;
  }

  /** Marks whoever is unmarked. @returns {Promise<number>} how many those were */
  async markAllPresent() {
    const students = this.#grid.students.filter((student) => !this.#grid.status(student));
    if (!students.length || !(await this.#reasonGiven())) return 0;
    const steps = students.map((student) => ({ student, from: null, to: "present" }));
    this.#push(steps, { group: uniqueKey() });
    this.#remember(steps);
    return students.length;
  }

  /** Takes the latest step back, but leaves what has changed since. @returns {string[]} the students concerned */
  undo() {
    const steps = this.#done.pop() ?? [];
    const open = steps.filter(({ student, to }) => this.#grid.status(student) === to);
    this.#push(
      open.map(({ student, from, to }) => ({ student, from: to, to: from })),
      { undoes: true },
    );
    this.#on.changed();
    return open.map(({ student }) => student);
  }

  /** What the server says a student's status is. @returns {boolean} whether that was news */
  take(student, status) {
    if (!this.#saved.has(student) || this.#device.holds(this.#class.session, student)) return false;
    this.#save(student, status);
    if (this.#grid.status(student) === status) return false;
    this.#grid.setStatus(student, status);
    return true;
  }

  #push(steps, { group = null, undoes = false } = {}) {
    for (const { student, to } of steps) {
      this.#grid.setStatus(student, to);
      this.#grid.flag(student, "pending");
    }
    const marks = steps.map(({ student, from, to }) => ({
      ...this.#class,
      student,
      name: this.#grid.name(student),
      status: to,
      was: from,
      saved: this.#saved.get(student),
      reason: this.#reason,
      group,
      undoes,
    }));
    if (marks.length) this.#device.push(marks);
  }

  #remember(steps) {
    this.#done.push(steps);
    this.#on.changed();
  }

  #save(student, status) {
    if (this.#saved.get(student) === status) return;
    this.#saved.set(student, status);
    this.#kept.keep(this.#saved);
  }

  /** What became of marks of this class, made here or in another tab. */
  #hear(results) {
    const mine = results.filter(({ mark }) => mark.session === this.#class.session && this.#saved.has(mark.student));
    const refused = [];
    for (const { mark, outcome, status, detail } of mine) {
      if (status !== undefined) this.#save(mark.student, status);
      if (!this.#device.holds(mark.session, mark.student)) {
        this.#grid.setStatus(mark.student, this.#saved.get(mark.student));
        this.#grid.flag(mark.student, outcome === "saved" ? null : "failed");
      }
      if (outcome === "refused") refused.push(detail);
    }
    this.#flagWaiting();
    if (mine.length) this.#on.changed();
    if (refused.length) this.#on.refused(refused.length, refused[0]);
  }

  /** While nobody answers, a mark that waits says so in words; one that is merely on its way only looks it. */
  #flagWaiting() {
    const waiting = new Map(this.#waiting.map((mark) => [mark.student, mark]));
    for (const student of this.#grid.students) {
      const mark = waiting.get(student);
      if (mark) this.#grid.flag(student, "pending");
      else this.#grid.unflag(student, "pending");
      this.#grid.note(student, mark && this.#device.trouble ? this.#on.waits(mark.captured_at) : "");
    }
  }

  /** Asked once; the answer goes with every change made in this window. */
  async #reasonGiven() {
    if (this.#askReason && !this.#reason) this.#reason = await this.#askReason();
    return !this.#askReason || Boolean(this.#reason);
  }
}
