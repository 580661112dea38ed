/**
 * The state of a class as it changes: pushed over server-sent events, polled with ETag while the stream is down.
 * Each state is {status, counts: {present, late, absent, excused, unmarked}, recent: [{student, name, status,
 * marked_at}]}.
 */

import { Backoff } from "./backoff.js";
import { request } from "./http.js";

const POLL_DOWN = 3000; // while the stream is down
const POLL_UP = 30000; // a safety net for a stream that died without a word

/**
 * @param {{streamUrl: string, liveUrl: string, onState: (state: object) => void,
 *   onConnection: (connected: boolean) => void, onAnswer?: (headers: Headers) => void}} options
 * @returns {() => void} stops watching
 */
export function watch({ streamUrl, liveUrl, onState, onConnection, onAnswer = () => {} }) {
  const backoff = new Backoff();
  let source = null;
  let etag = null;
  let streaming = false;
  let pollTimer = null;
  let streamTimer = null;
  let stopped = false;

  function open() {
    source = new EventSource(streamUrl, { withCredentials: true });
    source.onopen = () => {
      streaming = true;
      backoff.reset();
      onConnection(true);
    };
    source.onmessage = (event) => onState(JSON.parse(event.data));
    source.onerror = () => {
      streaming = false;
      source.close();
      if (stopped) return;
      streamTimer = setTimeout(open, backoff.next());
      schedulePoll(0);
    };
  }

  async function poll() {
    try {
      const answer = await request(liveUrl, { headers: etag ? { "If-None-Match": etag } : {} });
      etag = answer.headers.get("ETag") ?? etag;
      onAnswer(answer.headers);
      if (answer.data) onState(answer.data);
      onConnection(true);
    } catch (error) {
      // An answer that refuses is one all the same; what it says is for whoever asks next.
      if (!streaming && error.away !== false) onConnection(false);
    }
    if (!stopped) schedulePoll(streaming ? POLL_UP : POLL_DOWN);
  }

  function schedulePoll(delay) {
    clearTimeout(pollTimer);
    pollTimer = setTimeout(poll, delay);
  }

  if (streamUrl) open();
  schedulePoll(streamUrl ? POLL_UP : 0);
  return () => {
    stopped = true;
    clearTimeout(pollTimer);
    clearTimeout(streamTimer);
    source?.close();
  };
}
