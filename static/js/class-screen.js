/** The projector view: the rotating code with its countdown, the live count, names as they arrive. */

import { Backoff } from "./lib/backoff.js";
import { request } from "./lib/http.js";
import { watch } from "./lib/live.js";
import { ServerClock } from "./lib/server-clock.js";
import { strings } from "./lib/strings.js";
import { device } from "./lib/this-device.js";
import { toast } from "./toasts.js";

const NAMES_KEPT = 30;
const STANDING_CODE = 60000; // how often a code that stands still is asked for again, in milliseconds

const root = document.querySelector("[data-class-screen]");
const text = strings("screen-strings");
const clock = new ServerClock(root.dataset.serverNow);
const rotation = Number(root.dataset.rotation) * 1000;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/* -- The code ----------------------------------------------------------------------------------------- */

const code = root.querySelector("[data-qr]");
const bar = root.querySelector("[data-countdown-left]");
const backoff = new Backoff();
let codeTimer = null;
let shownFrom = 0;
let shownUntil = 0;
let codeMissing = false;

async function fetchCode({ fresh = false } = {}) {
  clearTimeout(codeTimer);
  try {
    const answer = await request(fresh ? root.dataset.generateUrl : root.dataset.qrUrl, {
      method: fresh ? "POST" : "GET",
    });
    clock.hear(answer.headers);
    showCode(answer.data);
    backoff.reset();
    codeMissing = false;
    if (fresh) toast(text("new_code"));
    codeTimer = setTimeout(fetchCode, Math.max(shownUntil - clock.now(), 250));
  } catch (error) {
    if (error.code === "session_not_open") return leave();
    codeMissing = true;
    if (fresh) toast(error.message, { tone: "bad" });
    hideStaleCode();
    codeTimer = setTimeout(fetchCode, backoff.next());
  }
  return showConnection();
}

function showCode({ svg, valid_until: validUntil }) {
  const parsed = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  if (parsed.localName !== "svg") throw new TypeError("the code is not an SVG picture");
  const picture = document.importNode(parsed, true);
  if (!picture.hasAttribute("viewBox")) {
    const side = (name) => parseFloat(picture.getAttribute(name));
    picture.setAttribute("viewBox", `0 0 ${side("width")} ${side("height")}`);
  }
  picture.setAttribute("aria-hidden", "true");
  code.replaceChildren(picture);
  shownUntil = endOfStep(Date.parse(validUntil ?? ""));
  shownFrom = shownUntil - rotation;
}

/** A code that no longer works is not shown as if it did. One that stands still works as long as the class is open. */
function hideStaleCode() {
  if (shownUntil && (!rotation || clock.now() < shownUntil + rotation)) return;
  shownUntil = 0;
  bar.setAttribute("width", "0%");
  code.replaceChildren(document.getElementById("no-code").content.cloneNode(true));
  announcer.textContent = code.textContent.trim();
}

/** A code is accepted during its own step and the next one; the screen shows it during its own. */
function endOfStep(validUntil) {
  const now = clock.now();
  if (!rotation) return now + STANDING_CODE;
  const own = validUntil - rotation;
  return own > now ? own : Math.min(validUntil || Infinity, now + rotation);
}

function drawCountdown() {
  if (rotation && shownUntil) {
    const left = (shownUntil - clock.now()) / (shownUntil - shownFrom);
    bar.setAttribute("width", `${(Math.min(Math.max(left, 0), 1) * 100).toFixed(2)}%`);
  }
  if (calm.matches) setTimeout(drawCountdown, 1000);
  else requestAnimationFrame(drawCountdown);
}

/* -- Who is here -------------------------------------------------------------------------------------- */

const names = root.querySelector("[data-names]");
const connection = root.querySelector("[data-connection]");
const announcer = root.querySelector("[data-announce]");
const rowTemplate = document.getElementById("name-row");
const timeOfDay = new Intl.DateTimeFormat("en-GB", {
  timeStyle: "medium",
  timeZone: document.body.dataset.schoolTimezone || undefined,
});
const seen = new Set(Array.from(names.children, (row) => row.dataset.student));
let connected = true;
let here = Number(root.querySelector("[data-here]").textContent);

function showState(state) {
  if (state.status !== "open") return leave();
  for (const [status, count] of Object.entries(state.counts)) {
    for (const element of document.querySelectorAll(`[data-count="${status}"]`)) element.textContent = count;
  }
  const arrived = state.counts.present + state.counts.late;
  root.querySelector("[data-here]").textContent = arrived;
  root.querySelector("[data-total]").textContent = Object.values(state.counts).reduce((a, b) => a + b, 0);
  if (arrived !== here) announcer.textContent = text("here", { count: arrived });
  here = arrived;
  return showNames(state.recent);
}

/** `recent` is newest first; whoever is not on the screen yet slides in, oldest of them first. */
function showNames(recent) {
  for (const entry of [...recent].reverse()) {
    if (seen.has(entry.student)) continue;
    seen.add(entry.student);
    const row = rowTemplate.content.firstElementChild.cloneNode(true);
    row.dataset.student = entry.student;
    row.querySelector("[data-name]").textContent = entry.name;
    row.querySelector("[data-time]").textContent = timeOfDay.format(new Date(entry.marked_at));
    names.prepend(row);
  }
  while (names.childElementCount > NAMES_KEPT) names.lastElementChild.remove();
}

function showConnection() {
  connection.hidden = connected && !codeMissing;
  connection.querySelector("[data-connection-text]").textContent = text(connected ? "no_code" : "offline");
}

/** The class was closed elsewhere: the page itself knows best what to show now. */
function leave() {
  stop();
  clearTimeout(codeTimer);
  toast(text("closed"));
  setTimeout(() => location.reload(), 1500);
}

const stop = watch({
  streamUrl: root.dataset.streamUrl,
  liveUrl: root.dataset.liveUrl,
  onState: showState,
  onAnswer: (headers) => clock.hear(headers),
  onConnection: (now) => {
    connected = now;
    device?.hear(now);
    showConnection();
  },
});
root.querySelector("[data-new-code]").addEventListener("click", () => fetchCode({ fresh: true }));
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && clock.now() > shownUntil) fetchCode();
});
window.addEventListener("online", () => fetchCode());
keepAwake();
fetchCode();
drawCountdown();

/** A projector that falls asleep in the middle of a class helps nobody. */
async function keepAwake() {
  if (!("wakeLock" in navigator)) return;
  try {
    await navigator.wakeLock.request("screen");
  } catch {
    return; // refused, for example on battery: the class goes on without
  }
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) navigator.wakeLock.request("screen").catch(() => {});
  });
}
