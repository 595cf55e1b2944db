/**
 * The images held ahead: fetched as bytes, the nearest ones decoded. Bytes stay in memory only,
 * so that nothing is left on a shared computer.
 */

const DECODED_AHEAD = 4;
const RETRY_MS = [500, 1000, 2000, 4000, 8000];

export class Images {
  #entries = new Map();
  #worker;
  #waiting = new Map();
  #urlsOf;
  #decoded;

  /** `urlsOf(token)` are the addresses of a presentation's images, one or several; `decoded` how many are decoded ahead. */
  constructor({ urlsOf, worker, decoded = DECODED_AHEAD }) {
    this.#urlsOf = urlsOf;
    this.#decoded = decoded;
    this.#worker = worker;
    this.#worker.onmessage = ({ data: { id, image, error } }) => {
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (image) resolve(image);
      else reject(new Error(error));
    };
  }

  /** Hold these tokens, the first few of them decoded, and let go of all others. */
  hold(tokens) {
    for (const token of this.#entries.keys()) if (!tokens.includes(token)) this.#drop(token);
    for (const token of tokens) this.#bytes(token);
    for (const token of tokens.slice(0, this.#decoded)) this.image(token).catch(() => {});
  }

  /** The decoded image if it is there already, else null. */
  ready(token) {
    return this.#entries.get(token)?.decoded ?? null;
  }

  /** The decoded image, sooner or later; rejects when there is none to be had. */
  image(token) {
    this.#bytes(token);
    const entry = this.#entries.get(token);
    entry.image ??= entry.bytes
      .then((all) => Promise.all(all.map((bytes, place) => this.#decode(`${token}/${place}`, bytes))))
      .then((images) => (entry.decoded = { ...images[0], panes: images.map(({ pixels }) => pixels) }));
    return entry.image;
  }

  /** How many of these are here in full. */
  count(tokens) {
    return tokens.filter((token) => this.#entries.get(token)?.here).length;
  }

  #bytes(token) {
    if (this.#entries.has(token)) return;
    const entry = { gone: new AbortController() };
    this.#entries.set(token, entry);
    entry.bytes = Promise.all(this.#urlsOf(token).map((url) => fetched(url, entry.gone.signal)));
    entry.bytes.then(() => (entry.here = true)).catch(() => this.#entries.delete(token));
  }

  #decode(id, bytes) {
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, bytes });
    });
  }

  #drop(token) {
    this.#entries.get(token).gone.abort();
    this.#entries.delete(token);
  }
}

/** The image's bytes; tries again through a bad network, gives up where there is nothing, or a file that is lost. */
async function fetched(url, signal) {
  for (let attempt = 0; ; attempt++) {
    try {
      const response = await fetch(url, { signal, credentials: "same-origin" });
      if (response.ok) return await response.arrayBuffer();
      const lost = response.status === 410;
      if (response.status < 500) throw Object.assign(new Error("not there"), { final: true, lost });
    } catch (error) {
      if (error.final || signal.aborted) throw error;
    }
    const pause = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)];
    await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
  }
}
