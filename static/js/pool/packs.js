// Which files travel together: many small ones in packs, so that ten thousand are not ten thousand requests; archives alone.

import { tarOf } from "./tar.js";

const MOST_BYTES = 32 * 2 ** 20;
const MOST_FILES = 500;
const MOST_NAMELESS = 20; // files without an ending, which may be archives, that travel alone
// As the server knows them (pool/imports/archives/members.py).
const ALONE = /\.(zip|tar|tgz|tbz2|txz|gz|bz2|xz|7z|rar|npz)$/i;

/** What a file or a pack is known by when it is chosen again. */
async function fingerprintOf(text) {
  if (!globalThis.crypto?.subtle) return ""; // on a site without HTTPS; then only this page can go on
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** One file or many on their way together. */
export class Shipment {
  constructor(entries, isPack) {
    this.entries = entries;
    this.isPack = isPack;
    const { ends, length } = isPack ? tarOf(entries) : { ends: [entries[0].file.size], length: entries[0].file.size };
    this.ends = ends;
    this.length = length;
  }

  /** Its bytes, put together when they are needed and not before. */
  get blob() {
    return this.isPack ? new Blob(tarOf(this.entries).parts) : this.entries[0].file;
  }

  get name() {
    return this.isPack ? "pack" : this.entries[0].path;
  }

  get fingerprint() {
    const facts = this.entries.map(({ path, file }) => [path, file.size, file.lastModified]);
    return fingerprintOf(JSON.stringify([this.isPack, facts]));
  }

  /** How many of its files are complete within so many bytes. */
  filesWithin(bytes) {
    let [low, high] = [0, this.ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ends[middle] <= bytes) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const byPath = (one, other) => (one.path < other.path ? -1 : one.path > other.path ? 1 : 0);

/** The files, each path once, in the order of their paths, as shipments. */
export function shipmentsOf(entries) {
  const files = [...new Map(entries.map((entry) => [entry.path, entry])).values()].sort(byPath);
  const isNameless = ({ path }) => !/[/.]/.test(path);
  const fewNameless = files.filter(isNameless).length <= MOST_NAMELESS;
  const goesAlone = (entry) =>
    !entry.path.includes("/") && (ALONE.test(entry.path) || (fewNameless && isNameless(entry)));
  const shipments = files.filter(goesAlone).map((entry) => new Shipment([entry], false));
  let [pack, bytes] = [[], 0];
  for (const entry of files.filter((each) => !goesAlone(each))) {
    if (pack.length && (pack.length === MOST_FILES || bytes + entry.file.size > MOST_BYTES)) {
      shipments.push(new Shipment(pack, true));
      [pack, bytes] = [[], 0];
    }
    pack.push(entry);
    bytes += entry.file.size;
  }
  if (pack.length) shipments.push(new Shipment(pack, true));
  return shipments;
}
