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

/**
 * The bytes with each line's filter undone (PNG specification, third edition, 9.2).
 *
 * Each filter has a loop of its own without a question in it: a quarter of the time of one loop for all.
 */
export function unfiltered(lines, stride, height, step) {
  const out = new Uint8Array(stride * height);
  const nothing = new Uint8Array(stride);
  let above = nothing;
  for (let y = 0; y < height; y++) {
    const from = y * (stride + 1) + 1;
    const line = lines.subarray(from, from + stride);
    const now = out.subarray(y * stride, (y + 1) * stride);
    const undo = UNDO[lines[from - 1]];
    if (!undo) throw new Error("The PNG has an unknown filter.");
    undo(line, now, above, step);
    above = now;
  }
  return out;
}

const UNDO = [
  (line, now) => now.set(line),
  (line, now, above, step) => {
    for (let x = 0; x < step; x++) now[x] = line[x];
    for (let x = step; x < line.length; x++) now[x] = line[x] + now[x - step];
  },
  (line, now, above) => {
    for (let x = 0; x < line.length; x++) now[x] = line[x] + above[x];
  },
  (line, now, above, step) => {
    for (let x = 0; x < step; x++) now[x] = line[x] + (above[x] >> 1);
    for (let x = step; x < line.length; x++) now[x] = line[x] + ((now[x - step] + above[x]) >> 1);
  },
  (line, now, above, step) => {
    for (let x = 0; x < step; x++) now[x] = line[x] + above[x];
    for (let x = step; x < line.length; x++) {
      const left = now[x - step];
      const up = above[x];
      const corner = above[x - step];
      const toLeft = Math.abs(up - corner);
      const toUp = Math.abs(left - corner);
      const toCorner = Math.abs(left + up - 2 * corner);
      const guess = toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
      now[x] = line[x] + guess;
    }
  },
];

function bigEndian16(raw) {
  const pixels = new Uint16Array(raw.length / 2);
  for (let i = 0, at = 0; i < pixels.length; i++, at += 2) pixels[i] = (raw[at] << 8) | raw[at + 1];
  return pixels;
}

if (typeof WorkerGlobalScope !== "undefined") {
  self.onmessage = async ({ data: { id, bytes } }) => {
    try {
      const image = await decodeGreyPng(bytes);
      self.postMessage({ id, image }, [image.pixels.buffer]);
    } catch (error) {
      self.postMessage({ id, error: error.message });
    }
  };
}
