/**
 * The marks of a roster beside the page that the service worker keeps: the page is as it was when it came, the marks
 * are of now. They lie in the same cache, so that they are forgotten together with it.
 */

const KEPT_FOR = "X-Kept-For";
const KEPT_AT = "X-Kept-At";

export class KeptRoster {
  #address = `${location.pathname}?marks`;
  #page;
  #person;
  #writing = null;
  #next = null;

  /** @param {{page: string, person: string}} options `page`: the id of the answer that the page came with */
  constructor({ page, person }) {
    this.#page = page;
    this.#person = person;
  }

  /** @returns {Promise<Map<string, string | null>>} the marks that came after this page, if it is the kept one */
  async read() {
    const cache = await pages();
    const kept = await cache?.match(this.#address);
    if (!kept) return new Map();
    const { page, statuses } = await kept.json();
    return new Map(page === this.#page ? Object.entries(statuses) : []);
  }

  /** Keeps the marks as they are now. @param {Map<string, string | null>} statuses */
  keep(statuses) {
    this.#next = statuses;
    this.#writing ??= this.#write();
  }

  async #write() {
    while (this.#next) {
      const statuses = Object.fromEntries(this.#next);
      this.#next = null;
      const cache = await pages();
      const page = await cache?.match(location.pathname, { ignoreVary: true });
      if (page?.headers.get(KEPT_FOR) !== this.#person) continue;
      const body = JSON.stringify({ page: page.headers.get("X-Request-ID"), statuses });
      const headers = { [KEPT_FOR]: this.#person, [KEPT_AT]: page.headers.get(KEPT_AT) };
      await cache.put(this.#address, new Response(body, { headers }));
    }
    this.#writing = null;
  }
}

async function pages() {
  try {
    const name = (await caches.keys()).find((key) => key.startsWith("campushub-pages-"));
    return name ? await caches.open(name) : null;
  } catch {
    return null; // a browser without caches, or over plain HTTP: then no page is kept either
  }
}
