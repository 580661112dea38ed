/** The register of a class, in the hands of whoever marks it: keys, clicks, filters, search, undo. */

import { KeptRoster } from "./lib/kept-roster.js";
import { RosterGrid } from "./lib/roster-grid.js";
import { follow } from "./lib/roster-live.js";
import { RosterMarks } from "./lib/roster-marks.js";
import { strings } from "./lib/strings.js";
import { device, deviceData } from "./lib/this-device.js";
import { toast } from "./toasts.js";

const LETTERS = { p: "present", l: "late", a: "absent", e: "excused" };
const PLACES = { KeyP: "present", KeyL: "late", KeyA: "absent", KeyE: "excused" };
const MOVES = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];

const root = document.querySelector("[data-roster]");
const list = root.querySelector("[data-grid]");
const find = root.querySelector("[data-find]");
const readOnly = root.dataset.readOnly !== undefined;
const text = strings("roster-strings");
const grid = list && new RosterGrid(list);
const timeOfDay = new Intl.DateTimeFormat("en-GB", {
  timeStyle: "short",
  timeZone: document.body.dataset.schoolTimezone || undefined,
});
const marks =
  list &&
  device &&
  new RosterMarks({
    grid,
    device,
    kept: new KeptRoster({ page: deviceData.page, person: document.body.dataset.person }),
    session: root.dataset.session,
    course: root.dataset.course,
    askReason: root.dataset.needsReason === undefined ? null : askReason,
    changed: showCounts,
    refused: (count, detail) => toast(text("failed", { count, detail }), { tone: "bad" }),
    waits: (at) => text("waits", { at: timeOfDay.format(at) }),
  });

/* -- What the page says ------------------------------------------------------------------------------- */

function announce(message) {
  root.querySelector("[data-announce]").textContent = message;
}

function showCounts() {
  const counts = grid.counts();
  for (const element of root.querySelectorAll("[data-filter-count]")) {
    element.textContent = counts[element.dataset.filterCount];
  }
  for (const element of document.querySelectorAll("dialog [data-count]")) {
    element.textContent = counts[element.dataset.count];
  }
  const undoButton = root.querySelector("[data-undo]");
  if (undoButton) undoButton.disabled = !marks?.canUndo;
}

function show(choice) {
  const count = grid.show(choice);
  root.querySelector("[data-none]").hidden = count > 0;
  announce(text("shown", { count }));
}

function askReason() {
  const dialog = document.getElementById("mark-reason");
  const form = dialog.querySelector("[data-reason-form]");
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const answer = () => resolve(dialog.returnValue === "given" ? form.elements.reason.value.trim() : "");
    dialog.addEventListener("close", answer, { once: true });
  });
}

/* -- What hands do ------------------------------------------------------------------------------------ */

async function mark(student, status) {
  if (readOnly || !(await marks.mark(student, status))) return;
  announce(text("marked", { name: grid.name(student), status: text(`status.${status}`) }));
}

async function markAllPresent() {
  const count = await marks.markAllPresent();
  announce(count ? text("all", { count }) : text("all.none"));
}

function undo() {
  const students = marks.undo();
  if (students.length) grid.focus(students[0]);
  announce(students.length ? text("undone", { count: students.length }) : text("nothing"));
}

function chooseFilter(link) {
  for (const other of root.querySelectorAll("[data-filter]")) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  history.replaceState(null, "", link.getAttribute("href"));
  show({ filter: link.dataset.filter });
}

const clicks = {
  "[data-mark]": (button) => {
    const { student } = button.closest("[data-student]").dataset;
    grid.focus(student, { preventScroll: true });
    mark(student, button.dataset.mark);
  },
  "[data-filter]": chooseFilter,
  "[data-all-present]": markAllPresent,
  "[data-undo]": undo,
};

function onClick(event) {
  for (const [selector, act] of Object.entries(clicks)) {
    const target = event.target.closest(selector);
    if (!target) continue;
    event.preventDefault();
    act(target);
  }
}

function onKey(event) {
  if (event.target.closest("dialog")) return;
  if (event.target === find) onFindKey(event);
  else if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z") {
    event.preventDefault();
    undo();
  } else if (event.ctrlKey || event.metaKey || event.altKey) return;
  else if (event.key === "/") {
    event.preventDefault();
    find.focus();
  } else if (list.contains(event.target)) onCellKey(event);
}

async function onCellKey(event) {
  const status = statusOf(event);
  if (!status && !MOVES.includes(event.key)) return;
  event.preventDefault();
  if (!status) grid.move(event.key);
  else if (!event.repeat) {
    mark(grid.current, status);
    grid.move("ArrowRight");
  }
}

/** On a Hindi or Telugu keyboard the key gives another letter, but lies in the same place. */
function statusOf(event) {
  const latin = /^[\x20-\x7e]$/.test(event.key);
  return latin ? LETTERS[event.key.toLowerCase()] : PLACES[event.code];
}

function onFindKey(event) {
  if (event.key === "Enter" || event.key === "ArrowDown") {
    event.preventDefault();
    grid.focus(grid.first());
  } else if (event.key === "Escape") {
    find.value = "";
    show({ query: "" });
    grid.focus(grid.current);
  }
}

/* -- Begin -------------------------------------------------------------------------------------------- */

async function start() {
  root.addEventListener("click", onClick);
  root.addEventListener("keydown", onKey);
  find.addEventListener("input", () => show({ query: find.value }));
  list.addEventListener("focusin", (event) => {
    const { student } = event.target.closest("[data-student]").dataset;
    if (student !== grid.current) grid.focus(student, { preventScroll: true });
  });
  // The copy that is kept on the device was made for whatever filter was chosen then.
  show({ filter: new URLSearchParams(location.search).get("show") || root.dataset.show || "all" });
  await marks?.restore();
  if (!readOnly && document.activeElement === document.body && !location.hash) {
    grid.focus(grid.first({ unmarked: true }) ?? grid.current, { preventScroll: true });
  }
  if (root.dataset.status !== "open" || !marks) return;
  follow({
    grid,
    marks,
    addresses: root.dataset,
    onScan: (student) => announce(text("scanned", { name: grid.name(student) })),
    onChange: showCounts,
    onConnection: (connected) => device.hear(connected),
    onStatus: (status) => {
      // Closed elsewhere: the page is another one now. Marks that still wait are sent first.
      if (status !== "open" && marks.idle) location.reload();
    },
  });
}

if (list) start();
