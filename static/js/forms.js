/** Dialogs, menus and forms that work the same on every page. */

export function initForms() {
  document.addEventListener("click", onClick);
  document.addEventListener("submit", onSubmit);
  document.addEventListener("change", onChange);
  document.addEventListener("keydown", onKey);
  window.addEventListener("pageshow", releaseForms);
  document.querySelector("[data-focus], [aria-invalid=true]")?.focus();
}

function onClick(event) {
  const opener = event.target.closest("[data-opens]");
  if (opener && opener.tagName !== "FORM") {
    event.preventDefault();
    document.getElementById(opener.dataset.opens).showModal();
  }
  const copier = event.target.closest("[data-copies]");
  if (copier) copyField(copier);
  if (event.target.closest("[data-closes]")) event.target.closest("dialog").close();
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
}

/** A form with data-opens asks in a dialog first; without a script it is sent as it stands. */
function onSubmit(event) {
  const form = event.target;
  if (event.defaultPrevented || form.method === "dialog") return;
  if (form.dataset.opens) {
    event.preventDefault();
    document.getElementById(form.dataset.opens).showModal();
    return;
  }
  if (form.method !== "post") return;
  if (form.dataset.sent !== undefined) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "";
}

/** A page that comes back from the browser's history must be usable again. */
function releaseForms() {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
}

function onChange(event) {
  const field = event.target.dataset.showsPassword;
  if (field) document.getElementById(field).type = event.target.checked ? "text" : "password";
  if (event.target.type === "checkbox") onTick(event.target);
  if (event.target.type === "file") refuseLarge(event.target);
}

/** A box with data-selects=NAME ticks all of that name; data-selected=NAME tells how many are ticked. */
function onTick(box) {
  const name = box.dataset.selects ?? box.name;
  const boxes = [...document.getElementsByName(name)];
  if (box.dataset.selects) for (const one of boxes) one.checked = box.checked;
  const ticked = boxes.filter((one) => one.checked).length;
  for (const all of document.querySelectorAll(`[data-selects="${name}"]`)) {
    all.checked = ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  }
  for (const place of document.querySelectorAll(`[data-selected="${name}"]`)) {
    place.textContent = ticked ? `(${ticked})` : "";
  }
}

/** Says at once that a file is too large: sent, it would cost the way there and back, and all that was typed. */
function refuseLarge(field) {
  const warning = document.querySelector(`[data-too-large="${field.id}"]`);
  if (!warning) return;
  const tooLarge = field.files.length > 0 && field.files[0].size > Number(warning.dataset.bytes);
  warning.hidden = !tooLarge;
  if (tooLarge) field.value = "";
}

function onKey(event) {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
}

/** A button with data-copies=ID copies that field, and says data-copied when it has. */
async function copyField(button) {
  const field = document.getElementById(button.dataset.copies);
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    // Without the right to the clipboard, or without HTTPS: what is selected is copied by hand.
    field.select();
    return;
  }
  const label = button.querySelector("span");
  label.textContent = button.dataset.copied;
}
