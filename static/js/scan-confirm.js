/** "I am here": asks for the location when the class wants it, then sends the form. */

import { strings } from "./lib/strings.js";

const LOCATING = { enableHighAccuracy: true, timeout: 10000, maximumAge: 30000 };

const form = document.querySelector("[data-confirm]");
const status = form.querySelector("[data-confirm-status]");
const button = form.querySelector("[type=submit]");
const text = strings("confirm-strings");

form.addEventListener("submit", async (event) => {
  if (form.dataset.needsLocation === undefined || form.elements.latitude.value) {
    status.textContent = text("sending");
    return;
  }
  event.preventDefault();
  button.disabled = true;
  status.textContent = text("locating");
  try {
    fill((await locate()).coords);
  } catch (error) {
    status.textContent = text(error.code === 1 ? "denied" : "unavailable");
    button.disabled = false;
    return;
  }
  button.disabled = false;
  form.requestSubmit();
});

function locate() {
  return new Promise((resolve, reject) => {
    if (!navigator.geolocation) reject(new Error("no geolocation"));
    else navigator.geolocation.getCurrentPosition(resolve, reject, LOCATING);
  });
}

function fill({ latitude, longitude, accuracy }) {
  form.elements.latitude.value = latitude.toFixed(7);
  form.elements.longitude.value = longitude.toFixed(7);
  form.elements.accuracy.value = accuracy.toFixed(1);
}
