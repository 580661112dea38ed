/** Waiting times that double from one second to thirty, each with up to a quarter of chance added. */

export class Backoff {
  #tries = 0;

  /** Milliseconds to wait before the next try. */
  next() {
    const base = Math.min(1000 * 2 ** this.#tries, 30000);
    this.#tries += 1;
    return base * (1 + Math.random() / 4);
  }

  reset() {
    this.#tries = 0;
  }
}

export function wait(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
