/** What every page needs. */

import { initForms } from "./forms.js";
import { initTheme } from "./theme.js";
import { initTimezone } from "./timezone.js";

initTheme();
initForms();
initTimezone();
// Whoever marks can do so without a network; a student's page is spared all of that.
if (document.querySelector("[data-device]")) import("./device.js");
// What is kept on this device is kept for one person: the worker is told who this page is for, or that it is nobody.
navigator.serviceWorker?.controller?.postMessage({ person: document.body.dataset.person });
