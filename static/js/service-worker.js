/**
 * Keeps the pages of a class usable without a network. Loaded by /sw.js, which says in `self.campushub` what this
 * version of the site consists of (core/service_worker.py). A page is kept only if the server says so, for one person
 * at a time, and for a day at most (decision 0013).
 */

"use strict";

const { version, files, immutable, staticPath, fallback, signOut } = self.campushub;
const FILES = `campushub-files-${version}`;
const PAGES = `campushub-pages-${version}`;
const KEPT_FOR = "X-Kept-For"; // set by the server: the person whose page it is
const KEPT_AT = "X-Kept-At"; // set here, in milliseconds of this device's clock
const LONGEST = 24 * 3600 * 1000;
const PATIENCE = 6000; // with a kept page at hand nobody waits longer for the network
const AWAY = [502, 503, 504];

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("message", (event) => event.waitUntil(hear(event.data)));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(event));
  else if (request.method === "GET" && url.pathname.startsWith(staticPath)) event.respondWith(file(request));
});

/* -- Versions ----------------------------------------------------------------------------------------- */

/** All or nothing: where a file cannot be had, the version before stays in charge and this one is tried again. */
async function install() {
  const cache = await caches.open(FILES);
  await cache.addAll([...files, fallback].map((url) => new Request(url, { cache: "no-cache" })));
  await bringPagesAlong();
  await self.skipWaiting();
}

/** Pages kept by the version before refer to its files: they are fetched anew before those go, with newer marks. */
async function bringPagesAlong() {
  const others = (await caches.keys()).filter((name) => name.startsWith("campushub-pages-") && name !== PAGES);
  for (const name of others) {
    for (const request of await (await caches.open(name)).keys()) {
      if (request.url !== plain(request.url)) continue;
      const answer = await fetch(request.url);
      if (answer.status === 429 || answer.status >= 500) throw new Error("a kept page cannot be had now");
      await remember(request.url, answer);
    }
  }
}

async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith("campushub-") && name !== FILES && name !== PAGES) await caches.delete(name);
  }
  await self.clients.claim();
}

/* -- Files -------------------------------------------------------------------------------------------- */

async function file(request) {
  const cache = await caches.open(FILES);
  const kept = await cache.match(request, { ignoreVary: true });
  if (kept && immutable) return kept;
  try {
    const answer = await fetch(request);
    // The fonts of other scripts than Latin, of which each language needs its own.
    if (answer.ok && request.destination === "font") await cache.put(request, answer.clone());
    return answer;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

/* -- Pages -------------------------------------------------------------------------------------------- */

async function page(event) {
  const { request } = event;
  const kept = request.method === "GET" ? await find(request.url) : undefined;
  let answer;
  try {
    answer = await (kept ? within(PATIENCE, fetch(request)) : fetch(request));
  } catch {
    // A form must not be sent again by trying again: its place is taken by a page with an address of its own.
    if (request.method !== "GET") return Response.redirect(fallback, 303);
    return kept ?? (await caches.match(fallback)) ?? Response.error();
  }
  if (AWAY.includes(answer.status)) return kept ?? answer;
  if (request.method === "GET" && answer.headers.has(KEPT_FOR)) {
    event.waitUntil(remember(request.url, answer.clone()));
  } else if (new URL(request.url).pathname === signOut) {
    await forget();
  }
  return answer;
}

function within(milliseconds, promise) {
  return Promise.race([
    promise,
    new Promise((_resolve, reject) => setTimeout(reject, milliseconds, new Error("the network takes too long"))),
  ]);
}

/** Filters stand in the query and are the page's own: one copy serves them all. */
function plain(address) {
  const url = new URL(address);
  url.search = "";
  url.hash = "";
  return url.href;
}

async function find(address) {
  const cache = await caches.open(PAGES);
  const kept = await cache.match(plain(address), { ignoreVary: true });
  if (!kept) return undefined;
  if (Date.now() - Number(kept.headers.get(KEPT_AT)) < LONGEST) return kept;
  await cache.delete(plain(address));
  return undefined;
}

async function remember(address, answer) {
  const person = answer.headers.get(KEPT_FOR);
  if (!person || !answer.ok || answer.redirected) return;
  await forgetOthers(person);
  const headers = new Headers(answer.headers);
  headers.set(KEPT_AT, String(Date.now()));
  const copy = new Response(await answer.blob(), { status: answer.status, headers });
  await (await caches.open(PAGES)).put(plain(address), copy);
}

async function forgetOthers(person) {
  const cache = await caches.open(PAGES);
  for (const request of await cache.keys()) {
    const kept = await cache.match(request, { ignoreVary: true });
    const old = Date.now() - Number(kept?.headers.get(KEPT_AT)) >= LONGEST;
    if (old || kept?.headers.get(KEPT_FOR) !== person) await cache.delete(request);
  }
}

async function forget() {
  for (const name of await caches.keys()) {
    if (name.startsWith("campushub-pages-")) await caches.delete(name);
  }
}

/** Every page says whose it is, "" when nobody is signed in; one that came before this worker asks to be kept. */
async function hear({ person, keep }) {
  if (person !== undefined) await forgetOthers(person);
  if (keep !== undefined) await remember(keep, await fetch(keep));
}
