/** The page without a network: which pages are kept on this device, and trying again. */

const LOOK = 5000; // milliseconds

const place = document.querySelector("[data-kept]");
const list = document.querySelector("[data-kept-pages]");

async function showKept() {
  const names = (await caches.keys()).filter((name) => name.startsWith("campushub-pages-"));
  for (const name of names) {
    const cache = await caches.open(name);
    const pages = (await cache.keys()).filter(({ url }) => !new URL(url).search);
    for (const request of pages) {
      const answer = await cache.match(request);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const link = document.createElement("a");
      link.href = request.url;
      link.textContent = page.title.replace(/ · CampusHub$/, "");
      const item = document.createElement("li");
      item.append(link);
      list.append(item);
    }
  }
  place.hidden = list.childElementCount === 0;
}

/** This page stands in for the one that was asked for, whose address is in the bar; after a form it has its own. */
function again() {
  if (document.querySelector("[data-again]").pathname === location.pathname) location.assign("/");
  else location.reload();
}

/** Goes on by itself once the server answers: what the browser says of the network is no more than a hint. */
async function look() {
  try {
    if ((await fetch("/healthz", { cache: "no-store" })).ok) again();
  } catch {
    return; // not yet
  }
}

document.querySelector("[data-again]").addEventListener("click", (event) => {
  event.preventDefault();
  again();
});
if (navigator.serviceWorker?.controller) {
  window.addEventListener("online", look);
  setInterval(look, LOOK);
}
if ("caches" in window) showKept();
