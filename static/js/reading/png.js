/**
 * Grey PNGs of 8 or 16 bits to pixels. The browser's own decoder would cut 16 bits to 8.
 * Loaded as a worker, so that decoding never stands between a key and the next image.
 */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const GREY = 0;

/** {width, height, bits, pixels}, pixels a Uint8Array or Uint16Array in reading order. */
export async function decodeGreyPng(buffer) {
  const { header, data } = chunksOf(buffer);
  if (header.colour !== GREY || ![8, 16].includes(header.bits) || header.interlaced) {
    throw new Error("Only grey PNGs of 8 or 16 bits without interlacing are shown here.");
  }
  const stream = new Blob(data).stream().pipeThrough(new DecompressionStream("deflate"));
  const lines = new Uint8Array(await new Response(stream).arrayBuffer());
  const { width, height, bits } = header;
  const bytes = bits / 8;
  if (lines.length !== (width * bytes + 1) * height) throw new Error("The PNG is cut short.");
  const raw = unfiltered(lines, width * bytes, height, bytes);
  return { width, height, bits, pixels: bits === 8 ? raw : bigEndian16(raw) };
}

function chunksOf(buffer) {
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) throw new Error("This is not a PNG.");
  let header = null;
  const data = [];
  for (let at = 8; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (name === "IHDR") {
      const fields = new DataView(buffer, at + 8, 13);
      header = {
        width: fields.getUint32(0),
        height: fields.getUint32(4),
        bits: fields.getUint8(8),
        colour: fields.getUint8(9),
        interlaced: fields.getUint8(12) !== 0,
      };
    }
    if (name === "IDAT") data.push(body);
    if (name === "IEND") break;
    at += length + 12;
  }
  if (!header || !data.length) throw new Error("The PNG has no pixels.");
  return { header, data };
}

/** The bytes with each line's filter undone (PNG specification, third edition, 9.2). */
export function unfiltered(lines, stride, height, step) {
  const out = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = lines[y * (stride + 1)];
    const from = y * (stride + 1) + 1;
    const to = y * stride;
    const up = to - stride;
    if (filter > 4) throw new Error("The PNG has an unknown filter.");
    for (let x = 0; x < stride; x++) {
      const left = x >= step ? out[to + x - step] : 0;
      const above = y ? out[up + x] : 0;
      let guess = 0;
      if (filter === 1) guess = left;
      else if (filter === 2) guess = above;
      else if (filter === 3) guess = (left + above) >> 1;
      else if (filter === 4) guess = paeth(left, above, x >= step && y ? out[up + x - step] : 0);
      out[to + x] = lines[from + x] + guess;
    }
  }
  return out;
}

function paeth(left, above, corner) {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

function bigEndian16(raw) {
  const pixels = new Uint16Array(raw.length / 2);
  for (let i = 0, at = 0; i < pixels.length; i++, at += 2) pixels[i] = (raw[at] << 8) | raw[at + 1];
  return pixels;
}

if (typeof WorkerGlobalScope !== "undefined") {
  self.onmessage = async ({ data: { id, bytes } }) => {
    try {
      const picture = await decodeGreyPng(bytes);
      self.postMessage({ id, picture }, [picture.pixels.buffer]);
    } catch (error) {
      self.postMessage({ id, error: error.message });
    }
  };
}
