/** Light, dark, or as the system says: kept in a cookie, so that the server renders the choice at once. */

const YEAR = 365 * 24 * 3600;

export function initTheme() {
  const choice = document.querySelector("[data-theme-choice]");
  if (!choice) return;
  const current = document.documentElement.dataset.theme ?? "auto";
  choice.querySelector(`[value="${current}"]`).checked = true;
  choice.addEventListener("change", (event) => choose(event.target.value));
}

function choose(theme) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  if (theme === "auto") {
    delete document.documentElement.dataset.theme;
    document.cookie = `theme=; Path=/; Max-Age=0; SameSite=Lax${secure}`;
  } else {
    document.documentElement.dataset.theme = theme;
    document.cookie = `theme=${theme}; Path=/; Max-Age=${YEAR}; SameSite=Lax${secure}`;
  }
}
