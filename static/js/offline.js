/** The page without a network: which pages are kept on this device, and trying again. */

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

// This page stands in for the one that was asked for: its address is still in the bar.
document.querySelector("[data-again]").addEventListener("click", (event) => {
  event.preventDefault();
  location.reload();
});
window.addEventListener("online", () => location.reload());
if ("caches" in window) showKept();
