/** Says so when this device's clock and the school's differ: every time on the pages is the school's. */

export function initTimezone() {
  const zone = document.body.dataset.schoolTimezone;
  const notice = document.querySelector("[data-timezone-notice]");
  if (!zone || !notice) return;
  // Compared by the clock, not by the name: Asia/Calcutta and Asia/Kolkata are one zone.
  const there = clock(zone);
  notice.hidden = there === "" || there === clock(undefined);
}

function clock(timeZone) {
  const options = { timeZone, dateStyle: "short", timeStyle: "short" };
  try {
    return new Intl.DateTimeFormat("en", options).format(new Date());
  } catch {
    return ""; // a zone this browser does not know: better no notice than a wrong one
  }
}
