// What a person sees of files on their way: a sentence, a bar, and a line a file.

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];
const SOON = 10; // seconds of sending before a time is named

/** 1536 as “1.5 kB”. */
export function sizeInWords(bytes) {
  if (bytes === 1) return "1 byte";
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${unit && value < 10 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

/** 95 as “2 minutes”. */
export function timeInWords(seconds) {
  if (seconds < 60) return "less than a minute";
  const minutes = Math.ceil(seconds / 60);
  if (minutes === 1) return "1 minute";
  return minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
}

/** One file of so many, “1 file” or “10,000 files”. */
export function filesInWords(number) {
  return `${number.toLocaleString("en")} file${number === 1 ? "" : "s"}`;
}

/** The list in a section of the page; of a shipment only the lines are renewed whose word has changed. */
export class SendingList {
  constructor(section) {
    this.sentence = section.querySelector("[data-sentence]");
    this.bar = section.querySelector("progress");
    this.list = section.querySelector("ol");
    this.title = section.querySelector("summary");
  }

  show(shipments) {
    this.shipments = shipments;
    this.began = null;
    const lines = document.createDocumentFragment();
    for (const shipment of shipments) {
      shipment.complete = 0;
      shipment.lines = shipment.entries.map(({ path, file }) => {
        const line = document.createElement("li");
        const state = document.createElement("span");
        state.textContent = "waits";
        line.append(`${path} (${sizeInWords(file.size)}) `, state);
        lines.append(line);
        return state;
      });
    }
    this.list.replaceChildren(lines);
    this.files = shipments.reduce((sum, { entries }) => sum + entries.length, 0);
    this.length = shipments.reduce((sum, { length }) => sum + length, 0);
    this.bar.max = this.length || 1;
    this.title.textContent = filesInWords(this.files);
    this.sum();
  }

  renew(shipment) {
    const complete = shipment.state === "sent" ? shipment.entries.length : shipment.filesWithin(shipment.bytes);
    for (const line of shipment.lines.slice(shipment.complete, complete)) line.textContent = "sent";
    for (const line of shipment.lines.slice(complete, shipment.complete)) line.textContent = "waits";
    shipment.complete = complete;
    const current = shipment.lines[complete];
    if (current) {
      const start = complete ? shipment.ends[complete - 1] : 0;
      const share = (shipment.bytes - start) / (shipment.ends[complete] - start || 1);
      current.textContent = shipment.state === "sending" ? `${Math.round(100 * Math.max(0, share))} %` : "waits";
    }
    this.sum();
  }

  sum() {
    const bytes = this.shipments.reduce((sum, shipment) => sum + (shipment.bytes ?? 0), 0);
    const files = this.shipments.reduce((sum, shipment) => sum + shipment.complete, 0);
    this.bar.value = bytes;
    const now = performance.now() / 1000;
    this.began ??= { now, bytes };
    const rate = (bytes - this.began.bytes) / (now - this.began.now);
    const left = this.length - bytes;
    const time = now - this.began.now > SOON && rate > 0 && left ? `, ${timeInWords(left / rate)} left` : "";
    this.sentence.textContent = `${files.toLocaleString("en")} of ${filesInWords(this.files)} sent, ${sizeInWords(bytes)} of ${sizeInWords(this.length)}${time}.`;
  }
}
