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
}

function onKey(event) {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
}
