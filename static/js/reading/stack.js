/** Scrolling through an image that is a stack of slices: by wheel, keys, slider, touch, or by itself. The pure parts come first. */

import { Images } from "./images.js";

const TEN = 10;
const CINE_MS = 100;
const SAID_AFTER_MS = 400; // a screen reader hears where the hand came to rest
const HELD = 64; // slices around the one shown whose bytes are here
const DECODED = 32;
const WHEEL_STEP = 40; // what fine wheels and touchpads add up to for one slice
const SHARE_OF_STAGE = 0.8; // of its height, which a finger draws over to see a whole stack

export const STACK_KEYS = {
  ArrowUp: "sliceBack",
  ArrowDown: "sliceForth",
  PageUp: "tenBack",
  PageDown: "tenForth",
  Home: "firstSlice",
  End: "lastSlice",
  c: "cine",
};

/** The number of the middle slice, 1 first. */
export function middleOf(slices) {
  return Math.floor(slices / 2) + 1;
}

/** The numbers to hold while this one is shown, nearest first, those that lie ahead before those behind. */
export function heldAround(number, slices, direction = 1, most = HELD) {
  const numbers = [number];
  for (let step = 1; numbers.length < Math.min(most, slices); step++) {
    for (const other of [number + direction * step, number - direction * step]) {
      if (other >= 1 && other <= slices && numbers.length < most) numbers.push(other);
    }
  }
  return numbers;
}

/** How long each slice was looked at, by a clock that counts only while somebody is there; whole milliseconds. */
export class SliceTimes {
  #times;
  #shown = null;
  #since = 0;

  constructor(slices) {
    this.#times = new Array(slices).fill(0);
  }

  /** This slice is shown from now on. */
  turn(number, now) {
    this.#count(now);
    this.#shown = number;
    // What has been shown at all is told from what has not.
    this.#times[number - 1] ||= 1;
  }

  read(now) {
    this.#count(now);
    return this.#times.map(Math.round);
  }

  #count(now) {
    if (this.#shown) this.#times[this.#shown - 1] += Math.max(0, now - this.#since);
    this.#since = now;
  }
}

export class Stack {
  #viewer;
  #slices;
  #images;
  #now;
  #parts;
  #word;
  #token = null;
  #target = 0;
  #shown = 0;
  #direction = 1;
  #times = null;
  #wheel = 0;
  #cine = 0;
  #saying = 0;

  /** `now()` is the time looked at the image at hand; `word` the sentence of a slice's number. */
  constructor({ root, viewer, slices, url, now }) {
    this.#viewer = viewer;
    this.#slices = slices;
    this.#now = now;
    this.#images = new Images({
      urlsOf: (key) => [sliceUrl(url, key)],
      worker: new Worker(new URL("./png.js", import.meta.url), { type: "module" }),
      decoded: DECODED,
    });
    const bar = root.querySelector("[data-stack]");
    this.#word = bar.dataset.words;
    this.#parts = {
      slider: bar.querySelector("input"),
      number: bar.querySelector("[data-slice-number]"),
      said: bar.querySelector("[role=status]"),
      play: bar.querySelector("[data-does=cine]"),
    };
    this.#listen();
  }

  /** Do what a key or a button says; true when it was something for the stack. */
  act(does) {
    const acts = {
      sliceBack: () => this.#by(-1),
      sliceForth: () => this.#by(1),
      tenBack: () => this.#by(-TEN),
      tenForth: () => this.#by(TEN),
      firstSlice: () => this.#go(1),
      lastSlice: () => this.#go(this.#slices),
      cine: () => (this.#cine ? this.#stop() : this.#play()),
    };
    if (!Object.hasOwn(acts, does)) return false;
    if (does !== "cine") this.#stop();
    if (this.#token) acts[does]();
    return true;
  }

  /** What was seen of the stack, to be kept with its rating: milliseconds of each slice, 0 for those never shown. */
  used() {
    return this.#times ? { slice_ms: this.#times.read(this.#now()) } : {};
  }

  #listen() {
    const { slider } = this.#parts;
    // A radio that was clicked must not keep the arrows, which would change the answer instead of the slice.
    document.querySelector("form[data-answer]").addEventListener("click", ({ detail, target }) => {
      if (detail && target.matches("input[type=radio]")) target.blur();
    });
    this.#viewer.addEventListener("show", ({ detail }) => this.#open(detail));
    this.#viewer.addEventListener("blank", () => this.#close());
    slider.addEventListener("input", () => {
      this.#stop();
      this.#go(Number(slider.value));
    });
    this.#viewer.scrolling = {
      wheel: (event) => this.#turnWheel(event),
      drag: (share) => this.#turnWheel({ deltaY: (share / SHARE_OF_STAGE) * this.#slices * WHEEL_STEP, deltaMode: 0 }),
    };
  }

  #open(token) {
    this.#stop();
    this.#token = token;
    this.#times = new SliceTimes(this.#slices);
    this.#direction = 1;
    this.#wheel = 0;
    this.#target = this.#shown = middleOf(this.#slices);
    // The clock of the image at hand starts anew as it is shown.
    this.#times.turn(this.#shown, 0);
    this.#hold();
    this.#tell();
  }

  #close() {
    this.#stop();
    this.#token = this.#times = null;
    this.#images.hold([]);
  }

  /** Fine wheels turn a part of a slice at a time. */
  #turnWheel({ deltaY, deltaMode }) {
    if (!this.#token) return;
    this.#stop();
    this.#wheel += deltaMode ? Math.sign(deltaY) * WHEEL_STEP : deltaY;
    const steps = Math.trunc(this.#wheel / WHEEL_STEP);
    this.#wheel -= steps * WHEEL_STEP;
    if (steps) this.#by(steps);
  }

  #by(steps) {
    this.#go(this.#target + steps);
  }

  #go(wish) {
    const number = Math.min(Math.max(wish, 1), this.#slices);
    if (number === this.#target) return;
    this.#direction = Math.sign(number - this.#target);
    this.#target = number;
    this.#parts.slider.value = number;
    const image = this.#images.ready(this.#key(number));
    if (image) this.#paint(number, image);
    else this.#paintLate(number);
    this.#hold();
  }

  async #paintLate(number) {
    const token = this.#token;
    try {
      const image = await this.#images.image(this.#key(number));
      if (token === this.#token && number === this.#target) this.#paint(number, image);
    } catch {
      // Passed over by now, or the network is away: what is shown says its own number.
    }
  }

  #paint(number, image) {
    this.#viewer.turn(image);
    this.#shown = number;
    this.#times.turn(number, this.#now());
    this.#tell();
  }

  #hold() {
    const numbers = heldAround(this.#target, this.#slices, this.#direction);
    this.#images.hold(numbers.map((number) => this.#key(number)));
  }

  #key(number) {
    return `${this.#token}/${number}`;
  }

  /** The number of the slice shown: at once for the eye, once it stands still for a screen reader. */
  #tell() {
    const { slider, number, said } = this.#parts;
    const text = this.#word.replace("%s", this.#shown).replace("%t", this.#slices);
    number.textContent = `${this.#shown} / ${this.#slices}`;
    slider.value = this.#target;
    slider.setAttribute("aria-valuetext", text);
    this.#viewer.mark(this.#shown);
    clearTimeout(this.#saying);
    if (!this.#cine) this.#saying = setTimeout(() => (said.textContent = text), SAID_AFTER_MS);
  }

  #play() {
    this.#parts.play.setAttribute("aria-pressed", "true");
    this.#cine = setInterval(() => {
      if (this.#shown !== this.#target) return; // the next one is still on its way
      this.#go(this.#target === this.#slices ? 1 : this.#target + 1);
    }, CINE_MS);
  }

  #stop() {
    if (!this.#cine) return;
    clearInterval(this.#cine);
    this.#cine = 0;
    this.#parts.play.setAttribute("aria-pressed", "false");
    this.#tell();
  }
}

/** The address of a slice by a key of token and number. */
export function sliceUrl(url, key) {
  const [token, number] = key.split("/");
  return url.replace("TOKEN", token).replace(/\/0(?=$|\?|\.png)/, `/${number}`);
}
