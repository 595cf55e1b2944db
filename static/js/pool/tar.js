// A tar of many files, made without reading them: headers of our own between the files as they lie on the disk.

const BLOCK = 512;
const LONGEST_NAME = 100;
const LARGEST_SIZE = 0o77777777777; // what eleven octal digits hold
const encoder = new TextEncoder();

const octal = (value, digits) => value.toString(8).padStart(digits, "0");
const padded = (length) => Math.ceil(length / BLOCK) * BLOCK;

/** One header block. */
function block(name, size, type) {
  const header = new Uint8Array(BLOCK);
  const write = (text, at) => header.set(typeof text === "string" ? encoder.encode(text) : text, at);
  write(name.subarray(0, LONGEST_NAME), 0);
  write("0000644\0", 100);
  write("0000000\0", 108);
  write("0000000\0", 116);
  write(octal(size, 11), 124);
  write("00000000000", 136);
  write("        ", 148);
  write(type, 156);
  write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  write(`${octal(sum, 6)}\0 `, 148);
  return header;
}

/** A record of a PAX header, whose length counts its own digits. */
export function paxRecord(key, value) {
  const rest = encoder.encode(` ${key}=${value}\n`).length;
  let length = rest + 1;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return `${length} ${key}=${value}\n`;
}

/** What stands before a file's bytes. */
export function headerOf(path, size) {
  const name = encoder.encode(path);
  const records = [];
  if (name.length > LONGEST_NAME || name.length !== path.length) records.push(paxRecord("path", path));
  if (size > LARGEST_SIZE) records.push(paxRecord("size", size));
  const own = block(name, size > LARGEST_SIZE ? 0 : size, "0");
  if (!records.length) return own;
  const body = encoder.encode(records.join(""));
  const header = new Uint8Array(BLOCK + padded(body.length) + BLOCK);
  header.set(block(encoder.encode("PaxHeader"), body.length, "x"), 0);
  header.set(body, BLOCK);
  header.set(own, BLOCK + padded(body.length));
  return header;
}

/** The tar's parts in order, and where each file ends in it: `entries` are {path, file}. */
export function tarOf(entries) {
  const parts = [];
  const ends = [];
  let length = 0;
  for (const { path, file } of entries) {
    const header = headerOf(path, file.size);
    const padding = new Uint8Array(padded(file.size) - file.size);
    parts.push(header, file, padding);
    length += header.length + file.size + padding.length;
    ends.push(length);
  }
  parts.push(new Uint8Array(2 * BLOCK));
  return { parts, ends, length: length + 2 * BLOCK };
}
