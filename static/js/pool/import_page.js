// The page of imports where scripts run: folders can be chosen and dropped, and files go in pieces before the form does.

import { chosenIn, droppedIn } from "./chosen_files.js";
import { shipmentsOf } from "./packs.js";
import { SendingList, filesInWords, sizeInWords } from "./sending_list.js";
import { Transfer, drop } from "./transfer.js";

export class ImportPage {
  constructor(form, tus) {
    const part = (name) => form.querySelector(`[data-${name}]`);
    Object.assign(this, { form, tus, part });
    this.plain = form.elements.uploads;
    this.folder = part("folder");
    this.section = part("sending");
    this.list = new SendingList(this.section);
    this.token = form.elements.csrfmiddlewaretoken.value;
    this.endpoint = form.getAttribute("data-endpoint"); // a field called dataset hides the form’s own
    this.shipments = [];
    this.known = [];
  }

  async open() {
    const zone = this.part("drop");
    zone.hidden = false;
    this.part("plain").hidden = true;
    this.part("choose-files").addEventListener("click", () => this.plain.click());
    this.part("choose-folder").addEventListener("click", () => this.folder.click());
    for (const input of [this.plain, this.folder])
      input.addEventListener("change", () => this.add(chosenIn(input)) || (input.value = ""));
    zone.addEventListener("dragover", (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
    zone.addEventListener("dragleave", () => zone.classList.remove("over"));
    zone.addEventListener("drop", async (event) => {
      event.preventDefault();
      zone.classList.remove("over");
      this.add(await droppedIn(event.dataTransfer));
    });
    this.form.addEventListener("submit", (event) => this.submit(event));
    this.part("pause").addEventListener("click", () => this.pause());
    this.part("go-on").addEventListener("click", () => this.goOn());
    this.part("cancel").addEventListener("click", () => this.cancel());
    this.part("forget").addEventListener("click", () => this.forget());
    addEventListener("online", () => this.isCut && this.goOn());
    addEventListener("beforeunload", (event) => this.isSending && event.preventDefault());
    await this.ask();
  }

  /** What the site has of this person's that is not imported yet. */
  async ask() {
    const answer = await fetch(this.endpoint, { headers: { Accept: "application/json" } });
    const given = this.form.elements.sent.value.split(" ");
    this.known = answer.ok ? (await answer.json()).uploads : [];
    const waiting = this.known.filter(({ key }) => !given.includes(key));
    this.part("waiting").hidden = !waiting.length;
    const sum = (field) => sizeInWords(waiting.reduce((total, row) => total + row[field], 0));
    this.part("waiting-sentence").textContent = `${sum("offset")} of ${sum("length")} that you sent before wait here and are not imported yet. Choose the same files or folder again to go on: what is here is not sent twice.`;
  }

  add(entries) {
    this.entries = [...(this.entries ?? []), ...entries];
    this.shipments = shipmentsOf(this.entries);
    this.section.hidden = !this.shipments.length;
    this.list.show(this.shipments);
    this.form.elements.sent.value = "";
    this.state("chosen");
    const bytes = this.entries.reduce((sum, { file }) => sum + file.size, 0);
    this.list.sentence.textContent = `${filesInWords(this.list.files)} chosen, ${sizeInWords(bytes)}. They are sent when you import.`;
  }

  /** Which buttons there are: chosen, sending, halted or sent. */
  state(word, sentence = "") {
    this.isSending = word === "sending";
    this.part("pause").hidden = word !== "sending";
    this.part("go-on").hidden = word !== "halted";
    this.part("cancel").hidden = word === "sent";
    this.part("submit").disabled = word === "sending" || word === "halted";
    this.part("halt").textContent = sentence;
    this.part("halt").hidden = !sentence;
  }

  async submit(event) {
    if (!this.shipments.length) return;
    event.preventDefault();
    this.part("submit").disabled = true;
    if (!(await this.check())) return this.state("chosen");
    this.state("sending");
    await this.ask();
    this.part("waiting").hidden = true;
    this.transfer = new Transfer(this.tus, this.endpoint, this.token, {
      progress: (shipment) => this.list.renew(shipment),
      halt: (sentence) => this.halted(sentence),
      end: () => this.send(),
    });
    await this.transfer.begin(this.shipments, this.known);
  }

  /** Whether the site takes the form as it is, before anything is sent; what it says against it stands at each field. */
  async check() {
    const fields = new FormData(this.form);
    fields.delete("uploads");
    const answer = await fetch(this.form.action, { method: "POST", body: fields, headers: { "Check-Only": "1" } });
    const page = new DOMParser().parseFromString(answer.status === 422 ? await answer.text() : "", "text/html");
    for (const old of this.form.querySelectorAll(".errorlist")) old.remove();
    for (const list of page.querySelectorAll("main form .errorlist")) {
      const control = list.closest(".field")?.querySelector("[id]");
      const place = control && this.form.querySelector(`#${CSS.escape(control.id)}`)?.closest(".field");
      (place ?? this.part("faults")).append(document.importNode(list, true));
      place?.closest("details")?.setAttribute("open", "");
    }
    this.form.querySelector(".errorlist")?.scrollIntoView({ block: "center" });
    if (answer.status !== 204 && answer.status !== 422)
      this.state("chosen", `The site answered ${answer.status}. Sign in again in another tab, then import.`);
    return answer.status === 204;
  }

  pause() {
    this.transfer.halt();
    this.state("halted");
  }

  halted(sentence) {
    this.isCut = true;
    this.state("halted", sentence);
  }

  goOn() {
    this.isCut = false;
    this.state("sending");
    this.transfer.goOn();
  }

  async cancel() {
    const transfer = this.transfer;
    [this.transfer, this.entries, this.shipments, this.isCut] = [null, [], [], false];
    this.section.hidden = true;
    this.state("chosen");
    await transfer?.cancel();
    await this.ask();
  }

  async forget() {
    await drop(this.known.map(({ url }) => url), this.token);
    await this.ask();
  }

  /** All is here: the form goes, with keys in the place of files. */
  send() {
    this.state("sent");
    this.form.elements.sent.value = this.transfer.keys.join(" ");
    this.plain.disabled = true;
    this.form.submit();
  }
}

const form = document.querySelector("form[data-endpoint]");
if (form && window.tus) new ImportPage(form, window.tus).open();
