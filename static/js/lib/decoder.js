/** Reading QR codes from pictures: the browser's own detector where there is one, else zxing, loaded when needed. */

/**
 * @param {{decoder: string, wasm: string}} addresses of the zxing module and its WebAssembly file
 * @returns {Promise<(source: HTMLVideoElement | ImageBitmap) => Promise<string[]>>} the texts in a picture
 */
export async function loadDecoder({ decoder, wasm }) {
  return (await native()) ?? zxing(decoder, wasm);
}

async function native() {
  if (!("BarcodeDetector" in window)) return null;
  try {
    // Some browsers have the class but no engine behind it.
    const formats = await window.BarcodeDetector.getSupportedFormats();
    if (!formats.includes("qr_code")) return null;
  } catch {
    return null;
  }
  const detector = new window.BarcodeDetector({ formats: ["qr_code"] });
  return async (source) => (await detector.detect(source)).map((code) => code.rawValue);
}

async function zxing(address, wasm) {
  const reader = await import(address);
  await reader.prepareZXingModule({ overrides: { locateFile: () => wasm }, fireImmediately: true });
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  return async (source) => {
    const width = source.videoWidth ?? source.width;
    const height = source.videoHeight ?? source.height;
    const scale = Math.min(1, 1280 / Math.max(width, height));
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    pen.drawImage(source, 0, 0, canvas.width, canvas.height);
    const picture = pen.getImageData(0, 0, canvas.width, canvas.height);
    const results = await reader.readBarcodes(picture, { formats: ["QRCode"], tryHarder: true, maxNumberOfSymbols: 4 });
    return results.map((result) => result.text);
  };
}
