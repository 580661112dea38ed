/** Marking a roster: shown at once, saved behind, taken back when the server refuses, and undone step by step. */

import { MarkQueue } from "./mark-queue.js";

export class RosterMarks {
  #grid;
  #queue;
  #saved;
  #done = [];
  #askReason;
  #reason = "";
  #on;

  /**
   * @param {{grid: import("./roster-grid.js").RosterGrid, url: string, session: string,
   *   askReason: null | (() => Promise<string>), changed: () => void,
   *   refused: (count: number, detail: string) => void, waiting: (count: number) => void}} options
   *   `askReason` asks why a closed class is changed; an empty answer means that it is left as it is
   */
  constructor({ grid, url, session, askReason, ...on }) {
    this.#grid = grid;
    this.#askReason = askReason;
    this.#on = on;
    this.#saved = new Map(grid.students.map((student) => [student, grid.status(student)]));
    this.#queue = new MarkQueue({
      url,
      session,
      reason: () => this.#reason,
      onSaved: (marks) => this.#settle(marks),
      onRefused: (marks, detail) => this.#refuse(marks, detail),
      onWaiting: on.waiting,
    });
  }

  /** Nothing waits for the server. */
  get idle() {
    return this.#queue.size === 0;
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  /** @returns {Promise<boolean>} whether the student now has the status */
  async mark(student, status) {
    if (!(await this.#reasonGiven())) return false;
    const from = this.#grid.status(student);
    if (from !== status) {
      this.#show(student, status);
      this.#queue.push(student, status);
      this.#remember([{ student, from, to: status }]);
    }
    return true;
  }

  /** Marks whoever is unmarked. @returns {Promise<number>} how many those were */
  async markAllPresent() {
    const students = this.#grid.students.filter((student) => !this.#grid.status(student));
    if (!students.length || !(await this.#reasonGiven())) return 0;
    for (const student of students) this.#show(student, "present");
    this.#queue.pushTogether(students.map((student) => ({ student, status: "present" })));
    this.#remember(students.map((student) => ({ student, from: null, to: "present" })));
    return students.length;
  }

  /** Takes the latest step back, but leaves what has changed since. @returns {string[]} the students concerned */
  undo() {
    const steps = this.#done.pop() ?? [];
    const open = steps.filter(({ student, to }) => this.#grid.status(student) === to);
    for (const { student, from } of open) {
      this.#show(student, from);
      this.#queue.push(student, from);
    }
    this.#on.changed();
    return open.map(({ student }) => student);
  }

  /** What the server says a student's status is. @returns {boolean} whether that was news */
  take(student, status) {
    if (!this.#saved.has(student) || this.#queue.holds(student)) return false;
    this.#saved.set(student, status);
    if (this.#grid.status(student) === status) return false;
    this.#grid.setStatus(student, status);
    return true;
  }

  #show(student, status) {
    this.#grid.setStatus(student, status);
    this.#grid.flag(student, "pending");
  }

  #remember(steps) {
    this.#done.push(steps);
    this.#on.changed();
  }

  #settle(marks) {
    for (const { student, status } of marks) {
      this.#saved.set(student, status);
      if (!this.#queue.holds(student)) this.#grid.flag(student, null);
    }
  }

  #refuse(marks, detail) {
    for (const { student } of marks) {
      if (this.#queue.holds(student)) continue;
      this.#grid.flag(student, "failed");
      this.#grid.setStatus(student, this.#saved.get(student));
    }
    this.#on.changed();
    this.#on.refused(marks.length, detail);
  }

  /** Asked once; the answer goes with every change made in this window. */
  async #reasonGiven() {
    if (this.#askReason && !this.#reason) this.#reason = await this.#askReason();
    return !this.#askReason || Boolean(this.#reason);
  }
}
