/** Requests to this site's API: JSON, session cookie, CSRF token, one kind of error. */

import { strings } from "./strings.js";

const text = strings("common-strings");

/** An answer that was not a success. `status` 0 means that no answer came. */
export class RequestError extends Error {
  constructor(message, { status = 0, code = "network", errors = [], retryAfter = null } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }

  /** No answer, or one that the server itself did not give. */
  get away() {
    return this.status === 0 || (this.status >= 502 && this.status <= 504);
  }

  /** Worth trying again unchanged: no answer, or one that says "not now". */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** Nobody is signed in any more, or somebody else since this page was made. */
  get signedOut() {
    return this.status === 401 || (this.status === 403 && this.code === "csrf_failed");
  }
}

/**
 * @param {string} url
 * @param {{method?: string, body?: object, headers?: Record<string, string>, signal?: AbortSignal}} options
 * @returns {Promise<{status: number, data: any, headers: Headers}>} also for 304, with `data` null
 * @throws {RequestError}
 */
export async function request(url, { method = "GET", body, headers = {}, signal } = {}) {
  const init = { method, signal, credentials: "same-origin", headers: { Accept: "application/json", ...headers } };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers["Content-Type"] = "application/json";
  }
  if (method !== "GET") {
    init.headers["X-CSRFToken"] = document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
  }
  let response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new RequestError(text("network"));
  }
  if (response.status === 304) return { status: 304, data: null, headers: response.headers };
  const data = await parsed(response);
  if (!response.ok) throw refusal(response, data);
  return { status: response.status, data, headers: response.headers };
}

async function parsed(response) {
  if (!(response.headers.get("Content-Type") ?? "").includes("json")) return null;
  try {
    return await response.json();
  } catch {
    return null;
  }
}

function refusal(response, data) {
  const errors = data?.errors ?? [];
  const first = errors[0];
  return new RequestError(first?.detail ?? text("server"), {
    status: response.status,
    code: first?.code ?? "error",
    errors,
    retryAfter: Number(response.headers.get("Retry-After")) || null,
  });
}

/** A UUID; also where crypto.randomUUID is missing because the page came over plain HTTP. */
export function uniqueKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
