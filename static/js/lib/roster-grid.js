/** The cells of a roster: which are shown, which has the focus, what each one's status is. */

export const STATUSES = ["present", "late", "absent", "excused"];

export class RosterGrid {
  #cells;
  #byStudent;
  #filter = "all";
  #query = "";

  /** @param {HTMLElement} list its [data-student] children are the cells */
  constructor(list) {
    this.#cells = [...list.querySelectorAll("[data-student]")];
    this.#byStudent = new Map(this.#cells.map((cell) => [cell.dataset.student, cell]));
    // One stop for the Tab key; letters mark, so the buttons need none of their own.
    for (const button of list.querySelectorAll("[data-mark]")) button.tabIndex = -1;
    this.#rove(this.#cells[0]);
  }

  get students() {
    return [...this.#byStudent.keys()];
  }

  name(student) {
    return this.#byStudent.get(student).dataset.name;
  }

  /** The status of a student; null when unmarked, undefined when not on this roster. */
  status(student) {
    const cell = this.#byStudent.get(student);
    return cell && (cell.dataset.status || null);
  }

  setStatus(student, status) {
    const cell = this.#byStudent.get(student);
    cell.dataset.status = status ?? "";
    for (const button of cell.querySelectorAll("[data-mark]")) {
      button.setAttribute("aria-pressed", String(button.dataset.mark === status));
    }
  }

  /** Shows a cell as "pending", "failed" or, with null, as neither. */
  flag(student, state) {
    const { dataset } = this.#byStudent.get(student);
    delete dataset.pending;
    delete dataset.failed;
    if (state) dataset[state] = "";
  }

  unflag(student, state) {
    delete this.#byStudent.get(student).dataset[state];
  }

  /** A few words under the name, or none. */
  note(student, words) {
    const place = this.#byStudent.get(student).querySelector("[data-note]");
    if (place.textContent !== words) place.textContent = words;
  }

  /** {present, late, absent, excused, unmarked, all, at_risk} over the whole roster. */
  counts() {
    const counts = { all: this.#cells.length, unmarked: 0, at_risk: 0 };
    for (const status of STATUSES) counts[status] = 0;
    for (const { dataset } of this.#cells) {
      counts[dataset.status || "unmarked"] += 1;
      if ("atRisk" in dataset) counts.at_risk += 1;
    }
    return counts;
  }

  /** Shows what matches; a cell that is marked afterwards stays until the next choice. @returns {number} how many */
  show({ filter = this.#filter, query = this.#query } = {}) {
    this.#filter = filter;
    this.#query = query.trim().toLocaleLowerCase();
    for (const cell of this.#cells) cell.hidden = !(this.#passes(cell.dataset) && this.#found(cell.dataset));
    const shown = this.#visible();
    if (!shown.includes(this.#stop())) this.#rove(shown[0]);
    return shown.length;
  }

  #passes(dataset) {
    if (this.#filter === "unmarked") return dataset.status === "";
    if (this.#filter === "late") return dataset.status === "late";
    if (this.#filter === "at_risk") return "atRisk" in dataset;
    return true;
  }

  #found({ name, student }) {
    return `${name} ${student}`.toLocaleLowerCase().includes(this.#query);
  }

  #visible() {
    return this.#cells.filter((cell) => !cell.hidden);
  }

  #stop() {
    return this.#cells.find((cell) => cell.tabIndex === 0);
  }

  #rove(cell) {
    for (const other of this.#cells) other.tabIndex = other === cell ? 0 : -1;
  }

  /** The student whose cell the Tab key reaches. */
  get current() {
    return this.#stop()?.dataset.student;
  }

  /** The first student shown, or the first one without a mark. */
  first({ unmarked = false } = {}) {
    return this.#visible().find(({ dataset }) => !unmarked || dataset.status === "")?.dataset.student;
  }

  focus(student, options) {
    const cell = this.#byStudent.get(student);
    if (!cell) return;
    this.#rove(cell);
    cell.focus(options);
  }

  /** Moves by an arrow, Home or End; up and down keep the column of the grid as it is drawn. */
  move(key) {
    const cells = this.#visible();
    const at = cells.indexOf(this.#stop());
    const row = cells.findIndex((cell) => cell.offsetTop > cells[0]?.offsetTop);
    const width = row < 1 ? cells.length : row;
    const targets = {
      ArrowLeft: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at - width,
      ArrowDown: at + width,
      Home: 0,
      End: cells.length - 1,
    };
    this.focus(cells[targets[key]]?.dataset.student);
  }
}
