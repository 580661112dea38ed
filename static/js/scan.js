/** The in-page scanner: finds the class code in the camera's picture and sends its token. */

import { wait } from "./lib/backoff.js";
import { loadDecoder } from "./lib/decoder.js";
import { strings } from "./lib/strings.js";

const BETWEEN_LOOKS = 120;

const root = document.querySelector("[data-scan]");
const text = strings("scan-strings");
const status = root.querySelector("[data-scan-status]");
const finder = root.querySelector("[data-finder]");
const video = finder.querySelector("video");
const form = root.querySelector("[data-scan-form]");
const startButton = root.querySelector("[data-scan-start]");
let decoding = null;

function decoder() {
  decoding ??= loadDecoder({ decoder: root.dataset.decoder, wasm: root.dataset.decoderWasm }).catch((error) => {
    decoding = null; // the next try loads again
    throw error;
  });
  return decoding;
}

/** The token inside a class code: what follows `data-code-path` in its address; null for any other code. */
function tokenIn(code) {
  let path;
  try {
    path = new URL(code).pathname;
  } catch {
    return null;
  }
  const { codePath } = root.dataset;
  return path.startsWith(codePath) ? decodeURIComponent(path.slice(codePath.length)).replace(/\/$/, "") : null;
}

/** Sends the first token among the codes; says so when there are only foreign ones. */
function accept(codes) {
  const token = codes.map(tokenIn).find(Boolean);
  if (!token) {
    if (codes.length) status.textContent = text("foreign");
    return false;
  }
  status.textContent = text("found");
  navigator.vibrate?.(60);
  form.elements.token.value = token;
  form.requestSubmit();
  return true;
}

async function start() {
  if (!navigator.mediaDevices?.getUserMedia) {
    status.textContent = text("missing");
    return;
  }
  startButton.disabled = true;
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 1280 } },
    });
  } catch (error) {
    status.textContent = text(error.name === "NotAllowedError" ? "denied" : "missing");
    startButton.disabled = false;
    return;
  }
  finder.dataset.live = "";
  startButton.hidden = true;
  status.textContent = text("looking");
  await video.play();
  await look();
}

async function look() {
  let read;
  try {
    read = await decoder();
  } catch {
    status.textContent = text("decoder");
    stop();
    return;
  }
  while (video.srcObject) {
    if (!document.hidden && accept(await read(video))) break;
    await wait(BETWEEN_LOOKS);
  }
  stop();
}

function stop() {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
  delete finder.dataset.live;
  startButton.hidden = false;
  startButton.disabled = false;
}

async function readPicture(file) {
  if (!file) return;
  status.textContent = text("looking");
  let codes;
  try {
    const read = await decoder();
    codes = await read(await createImageBitmap(file));
  } catch {
    status.textContent = text("decoder");
    return;
  }
  if (!codes.length) status.textContent = text("unreadable");
  accept(codes);
}

/** Whoever allowed the camera before need not tap again. */
async function startIfAllowed() {
  try {
    const permission = await navigator.permissions.query({ name: "camera" });
    if (permission.state === "granted") await start();
  } catch {
    return; // this browser cannot be asked: the button starts it
  }
}

startButton.addEventListener("click", start);
root.querySelector("[data-scan-file]").addEventListener("change", (event) => readPicture(event.target.files[0]));
window.addEventListener("pagehide", stop);
startIfAllowed();
