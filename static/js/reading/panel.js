/** The panel beside the image: the answer form, the view's tools and the line that says what is saved. */

import { SecondQuestions } from "./second.js";
import { presetsFor } from "./viewer.js";

const STEP = { zoom: 1.25, window: 0.04, pan: 40 };

export class Panel {
  #root;
  #form;
  #words;
  #second;
  #byPointer = false;
  #revisited = false;

  constructor(root) {
    this.#root = root;
    this.#form = root.querySelector("form[data-answer]");
    this.#second = new SecondQuestions(this.#form);
    this.#words = root.dataset;
    for (const button of root.querySelectorAll("button")) keepFocusAway(button);
    root.addEventListener("pointerdown", () => (this.#byPointer = true), { capture: true });
    root.addEventListener("keydown", ({ key }) => key === "Tab" && (this.#byPointer = false), { capture: true });
  }

  get form() {
    return this.#form;
  }

  word(name, value = "") {
    return this.#words[name].replace("%s", value);
  }

  part(name) {
    return this.#root.querySelector(`[data-${name}]`);
  }

  /** Which label each letter gives. */
  get letters() {
    const labels = [...this.#form.querySelectorAll("input[name=label][data-letter]")];
    return Object.fromEntries(labels.map(({ dataset, value }) => [dataset.letter, value]));
  }

  /** The question that digits answer now: the one in hand, else the first without an answer, else the last.
   *
   * Whoever comes back to an answer begins with its label again. */
  get open() {
    const questions = [...this.#form.querySelectorAll("fieldset[data-digits]:enabled")];
    // A click leaves the focus behind without meaning it.
    const inHand = questions.find((each) => !this.#byPointer && each.contains(document.activeElement));
    if (this.#revisited) return inHand ?? questions[0];
    return inHand ?? questions.find((question) => !question.querySelector(":checked")) ?? questions.at(-1);
  }

  /** How many answers the open question has. */
  get answers() {
    return this.open.querySelectorAll("input").length;
  }

  /** The name of the last question that digits answer; null where something else must be answered by hand. */
  get last() {
    if (this.#second.needsHand) return null;
    return [...this.#form.querySelectorAll("fieldset[data-digits] input")].at(-1).name;
  }

  /** Give the open question the answer of this number; its name and value. */
  answerOpen(number) {
    const input = this.open.querySelectorAll("input")[number - 1];
    const { name, value } = input;
    // Of several answers each digit ticks or unticks one, until Tab takes the hand on.
    if (input.type === "checkbox") {
      input.checked = !input.checked;
      this.#byPointer = false;
      input.focus();
      this.follow();
    } else this.choose(name, value);
    return { name, value };
  }

  /** Take back what is chosen of the image at hand. */
  anew() {
    for (const input of this.#form.querySelectorAll("input[type=radio]")) input.checked = false;
    this.#second.fill();
    document.activeElement?.blur();
    this.follow();
  }

  /** Mark on the page which question the digits answer. */
  #markOpen() {
    const { open } = this;
    for (const question of this.#form.querySelectorAll("fieldset[data-digits]")) {
      question.classList.toggle("open", question === open);
    }
  }

  /** Why the answer is not whole yet, in words; empty when it is. */
  missing(answer) {
    if (!answer) return this.word("choose");
    const isSure = !this.#form.querySelector(".sure[data-required]") || answer.confidence;
    return isSure ? this.#second.missing : this.word("sure");
  }

  /** The answer as it stands, or null while no label is chosen. */
  answer() {
    const data = new FormData(this.#form);
    const label = data.get("label");
    if (!label) return null;
    return {
      label,
      confidence: data.get("confidence") ?? "",
      reasons: label === this.part("reasons")?.dataset.of ? data.getAll("reasons") : [],
      remark: data.get("remark").trim(),
      second: this.#second.read(),
      correction_reason: data.get("correction_reason")?.trim() ?? "",
    };
  }

  /** What the form says, whole or not. */
  content() {
    const data = new FormData(this.#form);
    return {
      label: data.get("label") ?? "",
      confidence: data.get("confidence") ?? "",
      reasons: data.getAll("reasons"),
      remark: data.get("remark").trim(),
      second: this.#second.read(),
    };
  }

  /** Where the rater writes why an answer is changed; undefined where the study does not ask. */
  get correctionReason() {
    return this.#form.elements.correction_reason;
  }

  /** Empty the form, or fill it with an answer given before, or with one begun. */
  fill(answer = null, draft = null) {
    this.#form.reset();
    this.#revisited = answer !== null;
    const content = answer ?? draft;
    // By name: a place and a confidence are both numbers.
    const given = {
      label: [content?.label],
      confidence: [String(content?.confidence ?? "")],
      reasons: content?.reasons ?? [],
    };
    for (const input of this.#form.querySelectorAll("input[type=radio], input[type=checkbox]")) {
      input.checked = given[input.name]?.includes(input.value) ?? false;
    }
    this.#second.fill(content?.second);
    this.#form.elements.remark.value = content?.remark ?? "";
    if (this.correctionReason) {
      this.part("correction-reason").hidden = !answer;
      this.correctionReason.value = "";
    }
    this.follow();
  }

  choose(name, value) {
    const choice = [...this.#form.querySelectorAll(`input[name=${name}]`)].find((input) => input.value === value);
    if (choice) choice.checked = true;
    this.#revisited = false;
    this.follow();
  }

  /** Reasons are for one label alone, digits for one question; all keep their place, so that nothing moves. */
  follow() {
    const label = this.answer()?.label;
    this.#second.follow(label !== undefined);
    this.#markOpen();
    const reasons = this.part("reasons");
    if (reasons) reasons.disabled = label !== reasons.dataset.of;
  }

  /** Where the rater is; practice images come first and are counted apart. */
  progress({ position, practice }, { total, practice: practised }) {
    const text = practice
      ? this.word("practice", position).replace("%t", practised)
      : this.word("progressWords", position - practised).replace("%t", total - practised);
    this.part("progress").textContent = text;
    this.part("bar").value = position - 1;
    return text;
  }

  /** “Saved”, or how many are not yet, or never will be. */
  saved(unsaved, struggling, refused = 0) {
    const status = this.part("status");
    const settled = refused ? this.word("notTaken", refused) : this.word("saved");
    const text = unsaved ? this.word("notSaved", unsaved) : settled;
    if (status.textContent !== text) status.textContent = text;
    status.classList.toggle("warn", (unsaved > 0 && struggling) || (!unsaved && refused > 0));
  }

  /** One sentence above the foot of the panel; an empty one takes it away. */
  say(text, kind = "") {
    const notice = this.part("notice");
    // What a practice image was stays until the rater goes on.
    if (notice.dataset.kind === "practice" && kind && kind !== "practice") return;
    if (notice.textContent !== text) notice.textContent = text;
    notice.dataset.kind = kind;
    notice.hidden = !text;
  }

  /** Take a notice of this kind away again. */
  unsay(kind) {
    if (this.part("notice").dataset.kind === kind) this.say("");
  }

  /** The form: what sends it, and what changes it. */
  listen({ save, draft }) {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      save();
    });
    for (const change of ["change", "focusin", "focusout"]) this.#form.addEventListener(change, () => this.follow());
    for (const change of ["change", "input"]) this.#form.addEventListener(change, draft);
  }

  /** Let buttons, sliders and presets work the viewer, and follow it. */
  tools(viewer, act) {
    for (const button of this.#root.querySelectorAll("button[data-does]")) {
      button.addEventListener("click", () => act(button.dataset.does));
    }
    for (const button of this.#root.querySelectorAll("button[data-preset]")) {
      button.addEventListener("click", () => {
        const { bits } = viewer.image ?? { bits: 8 };
        viewer.preset(presetsFor(viewer.modality, bits).find(({ name }) => name === button.dataset.preset));
      });
    }
    const [level, width, zoom] = ["level", "width", "zoom"].map((name) => this.part(name));
    level.addEventListener("input", () => viewer.setWindow(1 - level.value / 100, viewer.window.width));
    width.addEventListener("input", () => viewer.setWindow(viewer.window.centre, 2 - width.value / 50));
    zoom.addEventListener("input", () => viewer.zoomTo(2 ** Number(zoom.value)));
    viewer.addEventListener("change", () => {
      level.value = 100 * (1 - viewer.window.centre);
      width.value = 50 * (2 - viewer.window.width);
      zoom.value = Math.log2(viewer.zoom);
      const { scale } = viewer;
      const text = scale > 1.05 ? this.word("enlarged", scale.toFixed(1)) : "";
      if (this.part("enlarged").textContent !== text) this.part("enlarged").textContent = text;
    });
  }

  offerPresets(modality, bits) {
    const offered = new Set(presetsFor(modality, bits).map(({ name }) => name));
    for (const button of this.#root.querySelectorAll("button[data-preset]")) {
      button.hidden = !offered.has(button.dataset.preset);
    }
  }
}

/** Do to the viewer what a key or a button says; true when it was something for the viewer. */
export function workViewer(viewer, does) {
  const acts = {
    zoomIn: () => viewer.zoomBy(STEP.zoom),
    zoomOut: () => viewer.zoomBy(1 / STEP.zoom),
    fit: () => viewer.fit(),
    actual: () => viewer.actual(),
    invert: () => viewer.invert(),
    flipAcross: () => viewer.flip(),
    flipDown: () => viewer.flip(true),
    reset: () => viewer.reset(),
    preset: () => viewer.nextPreset(),
    narrower: () => viewer.changeWindow(0, -STEP.window),
    wider: () => viewer.changeWindow(0, STEP.window),
    darker: () => viewer.changeWindow(STEP.window / 2, 0),
    brighter: () => viewer.changeWindow(-STEP.window / 2, 0),
    panLeft: () => viewer.pan(STEP.pan, 0),
    panRight: () => viewer.pan(-STEP.pan, 0),
    panUp: () => viewer.pan(0, STEP.pan),
    panDown: () => viewer.pan(0, -STEP.pan),
  };
  acts[does]?.();
  return Object.hasOwn(acts, does);
}

/** A mouse must not leave the focus on a tool, where the next Enter would press it again. */
function keepFocusAway(button) {
  button.addEventListener("pointerdown", (event) => event.pointerType === "mouse" && event.preventDefault());
}
