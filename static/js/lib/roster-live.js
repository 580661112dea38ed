/** What others do to a roster meanwhile: scans and marks from other places flow into the cells. */

import { request } from "./http.js";
import { watch } from "./live.js";
import { STATUSES } from "./roster-grid.js";

const PAUSE = 2000; // between two readings of the whole roster

/**
 * @param {{grid: import("./roster-grid.js").RosterGrid, marks: import("./roster-marks.js").RosterMarks,
 *   addresses: {rosterUrl: string, liveUrl: string, streamUrl: string},
 *   onScan: (student: string) => void, onChange: () => void, onStatus: (status: string) => void,
 *   onConnection: (connected: boolean) => void}} options
 */
export function follow({ grid, marks, addresses, onScan, onChange, onStatus, onConnection }) {
  let readAt = 0;

  function merge(state) {
    onStatus(state.status);
    for (const { student, status } of [...state.recent].reverse()) {
      // `recent` repeats itself: only who has no mark yet is news, whatever came later is left to the roster.
      if (grid.status(student) === null && marks.take(student, status)) onScan(student);
    }
    onChange();
    if (marks.idle && differs(state.counts)) readAll();
  }

  function differs(counts) {
    const mine = grid.counts();
    return [...STATUSES, "unmarked"].some((status) => mine[status] !== counts[status]);
  }

  async function readAll() {
    if (Date.now() - readAt < PAUSE) return;
    readAt = Date.now();
    let data;
    try {
      ({ data } = await request(addresses.rosterUrl));
    } catch {
      return; // the next state asks again
    }
    for (const { student, record } of data.results) marks.take(student, record?.status ?? null);
    onChange();
  }

  watch({
    streamUrl: addresses.streamUrl,
    liveUrl: addresses.liveUrl,
    onState: merge,
    onConnection,
  });
}
