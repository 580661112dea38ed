/**
 * What this browser keeps between windows: marks that wait, and the device's own id. In IndexedDB; in memory where a
 * browser gives none (then a closed window loses it).
 */

const DATABASE = "campushub";

/**
 * A mark on its way. `seq` is the order they were made in; `was` what the page showed before, `saved` what the server
 * had; those of one `group` are saved together; `undoes` takes an earlier one back; `late`: made while the server did
 * not answer; `attempted`: it may have reached the server.
 * @typedef {{seq?: number, client_id: string, person: string, session: string, course: string, student: string,
 *   name: string, status: string | null, was: string | null, saved: string | null, captured_at: number,
 *   reason: string, group: string | null, undoes: boolean, late: boolean, attempted: boolean,
 *   state: "waiting" | "conflict" | "rejected", detail?: string}} DeviceMark
 */

/** @returns {Promise<DeviceStore | MemoryStore>} */
export async function openStore() {
  try {
    const store = new DeviceStore(await open());
    await store.marks();
    return store;
  } catch {
    return new MemoryStore();
  }
}

function open() {
  const asked = indexedDB.open(DATABASE, 1);
  asked.onupgradeneeded = () => {
    const marks = asked.result.createObjectStore("marks", { keyPath: "seq", autoIncrement: true });
    marks.createIndex("client_id", "client_id", { unique: true });
    asked.result.createObjectStore("device");
  };
  return answered(asked);
}

function answered(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function committed(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

/** Of the marks that are there, those that `mark` makes needless: of the same student, never sent. */
function superseded(marks, mark) {
  return marks.filter((other) => sameCell(other, mark) && other.state === "waiting" && !other.attempted);
}

function sameCell(one, other) {
  return one.person === other.person && one.session === other.session && one.student === other.student;
}

/** Back to what the server has, and nothing was sent in between: then there is nothing to send. */
function needless(marks, mark) {
  const mine = marks.filter((other) => sameCell(other, mark) && other.state === "waiting");
  return mine.length > 0 && mine.every((other) => !other.attempted) && mark.status === mark.saved;
}

class DeviceStore {
  #database;

  constructor(database) {
    this.#database = database;
    // A newer version of the site in another tab may change the database.
    database.onversionchange = () => database.close();
  }

  /** Whether what is kept survives the window. */
  get lasts() {
    return true;
  }

  /** @returns {Promise<DeviceMark[]>} everybody's, in the order they were made in */
  async marks() {
    return answered(this.#database.transaction("marks").objectStore("marks").getAll());
  }

  /** Keeps new marks in place of older ones that never left. @param {DeviceMark[]} fresh */
  async add(fresh) {
    const transaction = this.#database.transaction("marks", "readwrite", { durability: "strict" });
    const store = transaction.objectStore("marks");
    const asked = store.getAll();
    asked.onsuccess = () => {
      const there = asked.result;
      for (const mark of fresh) {
        for (const other of superseded(there, mark)) store.delete(other.seq);
        if (!needless(there, mark)) store.add(mark);
      }
    };
    await committed(transaction);
  }

  /** Notes of marks that they are about to be sent. @returns {Promise<DeviceMark[]>} those that are still there */
  async attempt(marks) {
    return this.#change(marks, { attempted: true });
  }

  /** Keeps a mark that the server did not take, until its maker has seen it. */
  async refuse(mark, { state, detail }) {
    await this.#change([mark], { state, detail });
  }

  async #change(marks, changes) {
    const transaction = this.#database.transaction("marks", "readwrite");
    const store = transaction.objectStore("marks");
    const changed = [];
    for (const { seq } of marks) {
      const asked = store.get(seq);
      asked.onsuccess = () => {
        if (!asked.result) return;
        changed.push({ ...asked.result, ...changes });
        store.put(changed.at(-1));
      };
    }
    await committed(transaction);
    return changed;
  }

  async remove(marks) {
    const transaction = this.#database.transaction("marks", "readwrite");
    for (const { seq } of marks) transaction.objectStore("marks").delete(seq);
    await committed(transaction);
  }

  /** A name that this browser keeps; `make` makes it the first time. */
  async deviceId(make) {
    const transaction = this.#database.transaction("device", "readwrite");
    const store = transaction.objectStore("device");
    const known = await answered(store.get("id"));
    if (known) return known;
    const made = make();
    store.put(made, "id");
    await committed(transaction);
    return made;
  }
}

export class MemoryStore {
  #marks;
  #seq;
  #device = null;

  /** @param {DeviceMark[]} marks what is there already */
  constructor(marks = []) {
    this.#marks = [...marks];
    this.#seq = marks.at(-1)?.seq ?? 0;
  }

  get lasts() {
    return false;
  }

  async marks() {
    return [...this.#marks];
  }

  async add(fresh) {
    const there = [...this.#marks];
    for (const mark of fresh) {
      const gone = superseded(there, mark);
      this.#marks = this.#marks.filter((other) => !gone.includes(other));
      if (!needless(there, mark)) this.#marks.push({ ...mark, seq: ++this.#seq });
    }
  }

  async attempt(marks) {
    return this.#change(marks, { attempted: true });
  }

  async refuse(mark, changes) {
    this.#change([mark], changes);
  }

  #change(marks, changes) {
    const wanted = new Set(marks.map(({ seq }) => seq));
    this.#marks = this.#marks.map((mark) => (wanted.has(mark.seq) ? { ...mark, ...changes } : mark));
    return this.#marks.filter(({ seq }) => wanted.has(seq));
  }

  async remove(marks) {
    const gone = new Set(marks.map(({ seq }) => seq));
    this.#marks = this.#marks.filter(({ seq }) => !gone.has(seq));
  }

  async deviceId(make) {
    this.#device ??= make();
    return this.#device;
  }
}
