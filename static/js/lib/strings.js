/** Texts for scripts: the templates render them, translated, into <template> elements as [data-key] spans. */

const language = document.documentElement.lang || "en";
const plurals = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(language);

/**
 * The texts of one <template>.
 * @param {string} id of the template
 * @returns {(key: string, values?: Record<string, string | number>) => string} a text with its {placeholders}
 *   filled; `count` among the values chooses between `key.one`, `key.other` and so on.
 */
export function strings(id) {
  const template = document.getElementById(id);
  const texts = new Map();
  for (const element of template?.content.querySelectorAll("[data-key]") ?? []) {
    texts.set(element.dataset.key, element.textContent);
  }
  return (key, values = {}) => {
    const plural = "count" in values ? `${key}.${plurals.select(values.count)}` : key;
    const text = texts.get(plural) ?? texts.get(`${key}.other`) ?? texts.get(key) ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? shown(values[name]) : whole));
  };
}

function shown(value) {
  return typeof value === "number" ? numbers.format(value) : value;
}
