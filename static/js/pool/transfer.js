// Shipments on their way, two at a time, by tus: a broken line, a pause or a new page costs the last piece and no more.

const AT_ONCE = 2;
const PIECE = 8 * 2 ** 20;
const RETRIES = [0, 1000, 3000, 5000, 10000, 20000, 30000];
const PASSING = new Set([0, 409, 423, 429, 500, 502, 503, 504]); // of the line or the moment, not of the file

/** The sentence the site answered with, where there is one. */
function sentenceOf(error) {
  const answer = error.originalResponse;
  const text = answer?.getBody() ?? "";
  if (text && !text.includes("<")) return text;
  if (answer?.getStatus() === 403) return "You are signed out: sign in again in another tab, then go on.";
  return answer ? `The site answered ${answer.getStatus()}.` : "The line is cut. Go on when it is back; what is here stays here.";
}

/** Sends shipments; `on` has the functions progress(shipment), end(), halt(sentence). */
export class Transfer {
  constructor(tus, endpoint, token, on) {
    Object.assign(this, { tus, endpoint, token, on });
    this.shipments = [];
    this.isHalted = false;
  }

  /** Begin, or go on with what an earlier page has sent: `known` are the person's own uploads, as the site lists them. */
  async begin(shipments, known) {
    this.shipments = shipments;
    const byFingerprint = new Map(known.filter((row) => row.fingerprint).map((row) => [row.fingerprint, row]));
    for (const shipment of shipments) {
      shipment.state = "waiting";
      shipment.bytes = shipment.accepted = 0;
      shipment.mark = await shipment.fingerprint;
      const row = byFingerprint.get(shipment.mark);
      if (!row || row.length !== shipment.length || row.is_pack !== shipment.isPack) continue;
      byFingerprint.delete(shipment.mark);
      shipment.url = row.url;
      shipment.bytes = shipment.accepted = row.offset;
      if (row.is_complete) shipment.state = "sent";
      this.on.progress(shipment);
    }
    this.next();
  }

  next() {
    const active = this.shipments.filter((shipment) => shipment.state === "sending").length;
    const waiting = this.shipments.filter((shipment) => shipment.state === "waiting");
    if (!active && !waiting.length) this.on.end();
    if (this.isHalted) return;
    waiting.slice(0, AT_ONCE - active).forEach((shipment) => this.send(shipment));
  }

  send(shipment) {
    shipment.state = "sending";
    const metadata = { filename: shipment.name, fingerprint: shipment.mark };
    if (shipment.isPack) metadata.pack = "1";
    shipment.upload = new this.tus.Upload(shipment.blob, {
      endpoint: this.endpoint,
      uploadUrl: shipment.url,
      chunkSize: PIECE,
      retryDelays: RETRIES,
      metadata,
      headers: { "X-CSRFToken": this.token },
      storeFingerprintForResuming: false,
      onShouldRetry: (error) => PASSING.has(error.originalResponse?.getStatus() ?? 0),
      onUploadUrlAvailable: () => (shipment.url = shipment.upload.url),
      onProgress: (bytes) => this.progress(shipment, bytes, shipment.accepted),
      onChunkComplete: (_piece, accepted) => this.progress(shipment, accepted, accepted),
      onError: (error) => this.failed(shipment, error),
      onSuccess: () => this.done(shipment),
    });
    shipment.upload.start();
  }

  progress(shipment, bytes, accepted) {
    Object.assign(shipment, { bytes, accepted });
    this.on.progress(shipment);
  }

  done(shipment) {
    shipment.state = "sent";
    shipment.url = shipment.upload.url;
    shipment.upload = null; // and with it the blob
    this.progress(shipment, shipment.length, shipment.length);
    this.next();
  }

  failed(shipment, error) {
    if (error.originalResponse?.getStatus() === 404) shipment.url = null; // gone: begin it again
    shipment.state = "waiting";
    this.halt();
    this.on.halt(sentenceOf(error));
  }

  /** Stop sending; what the site has stays there. */
  halt() {
    this.isHalted = true;
    for (const shipment of this.shipments) {
      if (shipment.state !== "sending") continue;
      shipment.upload.abort();
      shipment.url = shipment.upload.url ?? shipment.url;
      shipment.state = "waiting";
      this.progress(shipment, shipment.accepted, shipment.accepted);
    }
  }

  goOn() {
    this.isHalted = false;
    this.next();
  }

  /** Stop, and have the site forget what it has of it. */
  async cancel() {
    this.halt();
    await drop(this.shipments.map((shipment) => shipment.url).filter((url) => url), this.token);
  }

  /** The keys of what has been sent, as the form names them. */
  get keys() {
    return this.shipments.map((shipment) => new URL(shipment.url, location.href).pathname.split("/").pop());
  }
}

/** Have the site forget uploads. */
export async function drop(urls, token) {
  const headers = { "Tus-Resumable": "1.0.0", "X-CSRFToken": token };
  for (const url of urls) await fetch(url, { method: "DELETE", headers });
}
