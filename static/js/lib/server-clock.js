/** The server's time on a device whose clock may be wrong. */

export class ServerClock {
  #offset = 0;

  /** @param {string} serverNow the server's instant when the page was made, ISO 8601 */
  constructor(serverNow) {
    const at = Date.parse(serverNow);
    if (!Number.isNaN(at)) this.#offset = at - Date.now();
  }

  /** Milliseconds since the epoch, as the server counts them. */
  now() {
    return Date.now() + this.#offset;
  }

  /** Corrects itself by an answer's Date header, which is cut to whole seconds: differences below 1.5 s stay. */
  hear(headers) {
    const at = Date.parse(headers.get("Date") ?? "");
    if (Number.isNaN(at)) return;
    const difference = at + 500 - this.now();
    if (Math.abs(difference) > 1500) this.#offset += difference;
  }
}
