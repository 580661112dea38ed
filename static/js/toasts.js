/** Short messages at the foot of the page, read out politely. Failures stay until they are dismissed. */

const STAY = 5000;

/**
 * @param {string} message
 * @param {{tone?: "good" | "bad", action?: string, onAction?: () => void}} options
 */
export function toast(message, { tone = "good", action = "", onAction = null } = {}) {
  const region = document.querySelector("[data-toasts]");
  const template = document.getElementById("toast-template");
  const element = template.content.firstElementChild.cloneNode(true);
  const dismiss = () => element.remove();
  element.dataset.tone = tone;
  element.querySelector("[data-text]").textContent = message;
  element.querySelector("[data-dismiss]").addEventListener("click", dismiss);
  if (action) {
    const button = element.querySelector("[data-action]");
    button.textContent = action;
    button.hidden = false;
    button.addEventListener("click", () => {
      dismiss();
      onAction();
    });
  }
  while (region.childElementCount > 2) region.firstElementChild.remove();
  region.append(element);
  if (tone !== "bad") setTimeout(dismiss, STAY);
}
