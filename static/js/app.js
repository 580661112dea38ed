/** What every page needs. */

import { initForms } from "./forms.js";
import { initTheme } from "./theme.js";
import { initTimezone } from "./timezone.js";

initTheme();
initForms();
initTimezone();
