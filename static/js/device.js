/**
 * What every page of whoever marks brings along: the line that says what waits on this device, what became of it, the
 * service worker, and the site as an app.
 */

import { strings } from "./lib/strings.js";
import { device, deviceData } from "./lib/this-device.js";
import { toast } from "./toasts.js";

const CALM = 400; // the line is read out: it changes when the marking pauses, in milliseconds

const root = document.querySelector("[data-device]");
const alert = root.querySelector("[data-device-alert]");
const signIn = root.querySelector("[data-device-sign-in]");
const list = root.querySelector("[data-problems]");
const text = strings("device-strings");
const moment = new Intl.DateTimeFormat(document.documentElement.lang || "en", {
  dateStyle: "medium",
  timeStyle: "short",
  timeZone: document.body.dataset.schoolTimezone || undefined,
});
let timer = null;
let uploaded = 0;

/* -- What waits --------------------------------------------------------------------------------------- */

function said() {
  const count = device.waiting.length;
  if (!device.lasts && count) return text("window", { count });
  if (count && device.trouble === "signin") return text("signin", { count });
  if (count && device.trouble === "busy") return text("busy", { count });
  if (device.trouble === "away" && count) return text("waiting", { count });
  // The screen says so itself, and nobody marks on it.
  if (device.trouble === "away") return document.querySelector("[data-class-screen]") ? "" : text("away");
  return device.others ? text("others", { count: device.others }) : "";
}

function showLine() {
  const words = said();
  alert.querySelector("[data-device-text]").textContent = words;
  alert.hidden = !words;
  signIn.hidden = !(device.waiting.length && device.trouble === "signin");
  for (const button of document.querySelectorAll("[data-needs-network]")) {
    button.setAttribute("aria-disabled", String(device.trouble === "away"));
  }
}

function hear(results) {
  uploaded += results.filter(({ uploaded: late, outcome }) => late && outcome === "saved").length;
  if (uploaded && !device.waiting.length) {
    toast(text("sent", { count: uploaded }));
    uploaded = 0;
  }
  clearTimeout(timer);
  timer = setTimeout(showLine, CALM);
  showProblems();
}

/* -- What was not taken ------------------------------------------------------------------------------- */

function showProblems() {
  const { problems } = device;
  root.querySelector("[data-device-problems]").hidden = problems.length === 0;
  root.querySelector("[data-device-conflicts]").hidden = !problems.some(({ state }) => state === "conflict");
  const shown = [...list.children].map((item) => item.dataset.mark).join();
  if (shown === problems.map((mark) => mark.client_id).join()) return;
  list.replaceChildren(...problems.map(problemItem));
}

function problemItem(mark) {
  const item = document.getElementById("problem-item").content.firstElementChild.cloneNode(true);
  item.dataset.mark = mark.client_id;
  item.querySelector("[data-who]").textContent = text("problem", {
    name: mark.name,
    status: text(`status.${mark.status ?? "unmarked"}`),
  });
  item.querySelector("[data-what]").textContent = `${mark.course} · ${moment.format(mark.captured_at)}`;
  item.querySelector("[data-why]").textContent = mark.state === "conflict" ? text("conflict") : mark.detail || text("rejected");
  return item;
}

/* -- What needs the network ---------------------------------------------------------------------------- */

/** Before anything else hears of it: a form that changes the class itself is not sent into the void. */
function onSubmit(event) {
  if (device.trouble !== "away" || !event.submitter?.matches("[data-needs-network]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  event.target.closest("dialog")?.close();
  toast(text("needs_network"), { tone: "bad" });
}

/* -- The site on the device ---------------------------------------------------------------------------- */

async function registerWorker() {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return;
  const first = serviceWorker.controller === null;
  try {
    await serviceWorker.register(deviceData.workerUrl, { updateViaCache: "none" });
  } catch {
    return; // refused by the browser, or no network: the page works, only not without one
  }
  if (!first) return;
  const { active } = await serviceWorker.ready;
  active.postMessage({ person: document.body.dataset.person, keep: location.href });
}

function offerInstall() {
  const button = document.querySelector("[data-install]");
  let offer = null;
  window.addEventListener("beforeinstallprompt", (event) => {
    if (!button) return;
    event.preventDefault();
    offer = event;
    button.hidden = false;
  });
  window.addEventListener("appinstalled", () => button && (button.hidden = true));
  button?.addEventListener("click", () => {
    button.hidden = true;
    offer?.prompt();
  });
}

document.addEventListener("submit", onSubmit, { capture: true });
root.querySelector("[data-dismiss-problems]").addEventListener("click", () => device.dismiss(device.problems));
device.listen(hear);
device.ready.then(showLine);
registerWorker();
offerInstall();
