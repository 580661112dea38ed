/** The marks of the signed-in person on this device: one object for all scripts of a page, null on a student's. */

import { DeviceMarks } from "./device-marks.js";

const place = document.querySelector("[data-device]");

/** What the page tells scripts about the device: see templates/components/device.html. */
export const deviceData = place?.dataset ?? {};

export const device =
  place &&
  new DeviceMarks({
    person: document.body.dataset.person,
    urls: { bulk: deviceData.bulkUrl, sync: deviceData.syncUrl },
  });
