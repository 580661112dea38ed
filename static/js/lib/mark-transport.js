/** The two ways of a mark to the server, and what the server says of each. */

import { RequestError, request, uniqueKey } from "./http.js";

const TAKEN = ["created", "updated", "duplicate"];

/**
 * What became of a mark. "refused": of now, so that its maker is told at once; "conflict" and "rejected": of earlier.
 * `status` is what stands now, where that is known; `uploaded`: it came later than it was made.
 * @typedef {{mark: import("./device-store.js").DeviceMark, outcome: "saved" | "refused" | "conflict" | "rejected",
 *   status?: string | null, detail?: string, uploaded?: boolean}} Result
 */

/**
 * Marks of now: `bulk-mark`, together or not at all where they were made together.
 * @returns {Promise<Result[]>}
 * @throws {RequestError} when nobody answered, or not as long as somebody else is signed in, or nobody
 */
export async function sendNow(url, marks) {
  const { session, reason, group } = marks[0];
  const body = { session, marks: marks.map(({ student, status }) => ({ student, status })), atomic: group !== null };
  if (reason) body.reason = reason;
  // The same marks again, the same key: a repetition is harmless.
  const headers = { "Idempotency-Key": `${marks[0].client_id}+${marks.length}` };
  let failed;
  try {
    ({ failed = [] } = await ask(url, { method: "POST", body, headers }));
  } catch (error) {
    if (error.passing || error.signedOut) throw error;
    return marks.map((mark) => ({ mark, outcome: "refused", detail: error.message }));
  }
  const refused = new Map(failed.map(({ student, detail }) => [student, detail]));
  return marks.map((mark) =>
    refused.has(mark.student)
      ? { mark, outcome: "refused", detail: refused.get(mark.student) }
      : { mark, outcome: "saved", status: mark.status },
  );
}

/**
 * Marks of earlier, each with its time: `offline-sync`, which answers for each.
 * @returns {Promise<Result[]>}
 * @throws {RequestError} as above
 */
export async function upload(url, marks, device) {
  const entries = marks.map(({ client_id, session, student, status, captured_at }) => ({
    client_id,
    session,
    student,
    status,
    source: "manual",
    captured_at: new Date(captured_at).toISOString(),
  }));
  const body = { batch_id: uniqueKey(), device_id: device, client_now: new Date().toISOString(), entries };
  let results;
  try {
    ({ results } = await ask(url, { method: "POST", body }));
  } catch (error) {
    if (error.passing || error.status === 401 || error.status === 403) throw error;
    if (marks.length === 1) return [{ mark: marks[0], outcome: "rejected", detail: error.message }];
    // One of them spoils all: the halves are tried alone.
    const half = Math.ceil(marks.length / 2);
    return [...(await upload(url, marks.slice(0, half), device)), ...(await upload(url, marks.slice(half), device))];
  }
  const answers = new Map(results.map((answer) => [answer.client_id, answer]));
  return marks.map((mark) => {
    const { outcome, record, status, detail } = answers.get(mark.client_id);
    const taken = TAKEN.includes(outcome);
    // What stands in a class that the person may not see is not told.
    const known = taken || record ? { status } : {};
    return { mark, outcome: taken ? "saved" : outcome, detail, uploaded: true, ...known };
  });
}

/** The body of an answer. A network that wants a sign-in of its own answers everything with a page: that is none. */
async function ask(url, options) {
  const { data } = await request(url, options);
  if (data === null) throw new RequestError("");
  return data;
}
