/** Shows one grey image, or several side by side that are worked as one: window, zoom, pan, invert, flip. The pure parts come first. */

/** Windows as shares of the image's own range: derivatives keep no Hounsfield units. */
export const PRESETS = {
  ct: [
    { name: "default", low: 0, high: 1 },
    { name: "lung", low: 0, high: 0.6, deep: true },
    { name: "mediastinum", low: 0.42, high: 0.68, deep: true },
    { name: "bone", low: 0.4, high: 1, deep: true },
    { name: "contrast", low: 0.15, high: 0.85 },
  ],
  other: [
    { name: "default", low: 0, high: 1 },
    { name: "contrast", low: 0.15, high: 0.85 },
  ],
};
const LEAST_WIDTH = 0.004;
export const LEAST_ZOOM = 0.05; // a small image at its actual size on a dense screen must fit in
export const MOST_ZOOM = 16;

export function presetsFor(modality, bits) {
  return (PRESETS[modality] ?? PRESETS.other).filter((preset) => !preset.deep || bits === 16);
}

/** Opaque RGBA words, one for each grey value, for a window given as shares of the range. */
export function windowTable(bits, { low, high }, inverted = false, table = new Uint32Array(2 ** bits)) {
  const top = table.length - 1;
  const from = low * top;
  const scale = 255 / Math.max((high - low) * top, 1e-9);
  for (let value = 0; value <= top; value++) {
    let grey = Math.round((value - from) * scale);
    grey = grey < 0 ? 0 : grey > 255 ? 255 : grey;
    if (inverted) grey = 255 - grey;
    table[value] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
  }
  return table;
}

export function paintThrough(table, pixels, out) {
  for (let i = 0; i < pixels.length; i++) out[i] = table[pixels[i]];
}

/** The window, at least a little wide and inside the range. */
export function clampedWindow(centre, width) {
  const wide = Math.min(Math.max(width, LEAST_WIDTH), 2);
  const middle = Math.min(Math.max(centre, 0), 1);
  return { low: middle - wide / 2, high: middle + wide / 2 };
}

/** The view after zooming by a factor while the point (x, y), from the stage's middle, stays where it is. */
export function zoomedAt(view, factor, x, y) {
  const zoom = Math.min(Math.max(view.zoom * factor, LEAST_ZOOM), MOST_ZOOM);
  const by = zoom / view.zoom;
  return { zoom, x: x - (x - view.x) * by, y: y - (y - view.y) * by };
}

const FITTED = { zoom: 1, x: 0, y: 0 };

export class Viewer extends EventTarget {
  #stage;
  #canvases;
  #contexts;
  #bitmap;
  #words;
  #image = null;
  #table = { 8: new Uint32Array(2 ** 8), 16: new Uint32Array(2 ** 16) };
  #tableOf = "";
  #view = FITTED;
  #window = { low: 0, high: 1 };
  #fixed;
  #pointers = new Map();
  #used;
  #presetIndex = 0;
  modality = "other";
  /** What is drawn above the pixels, and who takes the pointer while marking. */
  overlay = null;
  pointing = null;
  /** Of a stack, what the wheel and one finger do instead of zooming and moving. */
  scrolling = null;
  inverted = false;
  flippedAcross = false;
  flippedDown = false;

  /** One canvas for each image of a presentation, each in a pane of its own. */
  constructor(stage, canvases, { fixedZoom = false, fixedWindow = false } = {}) {
    super();
    this.#stage = stage;
    this.#canvases = [...canvases];
    this.#contexts = this.#canvases.map((canvas) => canvas.getContext("2d", { alpha: false }));
    this.#fixed = { zoom: fixedZoom, window: fixedWindow };
    this.#listen();
    new ResizeObserver(() => this.#place()).observe(stage);
  }

  /** Paint a decoded image now; window, zoom and flips start afresh, as every image is judged alike. */
  show(image, token) {
    this.#image = image;
    const { width, height } = image;
    if (this.#bitmap?.width !== width || this.#bitmap?.height !== height) {
      for (const canvas of this.#canvases) Object.assign(canvas, { width, height });
      this.#bitmap = this.#contexts[0].createImageData(width, height);
      this.#words = new Uint32Array(this.#bitmap.data.buffer);
    }
    this.#used = { max_zoom: 1, window_changes: 0, zooms: 0, inverted: false, flipped: false };
    for (const canvas of this.#canvases) canvas.dataset.token = token;
    this.reset({ quietly: true });
    this.dispatchEvent(new CustomEvent("show", { detail: token }));
  }

  /** Paint another slice of the stack at hand; window, zoom and flips stay. */
  turn(image) {
    this.#image = image;
    this.#paint();
  }

  /** Say on the canvas which slice it shows. */
  mark(number) {
    this.#canvases[0].dataset.slice = number;
    this.dispatchEvent(new CustomEvent("slice", { detail: number }));
  }

  /** Paint again what stands there, as when something was drawn on it. */
  repaint() {
    if (this.#image) this.#paint();
  }

  /** What a screen reader says of the canvases; of several, each with its number. */
  describe(sentence) {
    for (const [at, canvas] of this.#canvases.entries()) {
      canvas.ariaLabel = this.#canvases.length > 1 ? `${sentence} · ${at + 1}` : sentence;
    }
  }

  /** Show nothing, as while the next image is still on its way. */
  blank() {
    this.#image = null;
    for (const canvas of this.#canvases) delete canvas.dataset.token;
    for (const context of this.#contexts) context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    this.dispatchEvent(new Event("blank"));
  }

  get image() {
    return this.#image;
  }

  get window() {
    return { centre: (this.#window.low + this.#window.high) / 2, width: this.#window.high - this.#window.low };
  }

  get zoom() {
    return this.#view.zoom;
  }

  /** How many pixels of the screen, across, show one of the image. */
  get scale() {
    return this.#fitScale() * this.#view.zoom * devicePixelRatio;
  }

  /** What was done to see this image, to be kept with its rating. */
  used() {
    const { low, high } = this.#window;
    return { ...this.#used, low: Number(low.toFixed(4)), high: Number(high.toFixed(4)) };
  }

  reset({ quietly = false } = {}) {
    if (!this.#image) return;
    this.#window = { low: 0, high: 1 };
    this.#view = FITTED;
    this.#presetIndex = 0;
    this.inverted = this.flippedAcross = this.flippedDown = false;
    this.#paint();
    this.#place();
    if (!quietly) this.#used.window_changes += 1;
  }

  setWindow(centre, width) {
    if (this.#fixed.window || !this.#image) return;
    this.#window = clampedWindow(centre, width);
    this.#used.window_changes += 1;
    this.#paint();
  }

  changeWindow(byCentre, byWidth) {
    const { centre, width } = this.window;
    this.setWindow(centre + byCentre, width + byWidth);
  }

  preset({ low, high }) {
    this.setWindow((low + high) / 2, high - low);
  }

  /** The next of the offered windows, after the last the first again. */
  nextPreset() {
    if (!this.#image) return;
    const offered = presetsFor(this.modality, this.#image.bits);
    this.#presetIndex = (this.#presetIndex + 1) % offered.length;
    this.preset(offered[this.#presetIndex]);
  }

  invert() {
    if (this.#fixed.window || !this.#image) return;
    this.inverted = !this.inverted;
    this.#used.inverted = true;
    this.#paint();
  }

  flip(down = false) {
    if (down) this.flippedDown = !this.flippedDown;
    else this.flippedAcross = !this.flippedAcross;
    this.#used.flipped = true;
    this.#place();
  }

  zoomBy(factor, x = 0, y = 0) {
    if (this.#fixed.zoom) return;
    this.#view = zoomedAt(this.#view, factor, x, y);
    this.#used.zooms += 1;
    this.#used.max_zoom = Math.max(this.#used.max_zoom, Number(this.#view.zoom.toFixed(2)));
    this.#place();
  }

  zoomTo(zoom) {
    this.zoomBy(zoom / this.#view.zoom);
  }

  fit() {
    this.#view = FITTED;
    this.#place();
  }

  /** One image pixel on one screen pixel. */
  actual() {
    if (this.#image) this.zoomTo(1 / this.#fitScale() / devicePixelRatio);
  }

  pan(x, y) {
    if (this.#fixed.zoom) return;
    this.#view = { ...this.#view, x: this.#view.x + x, y: this.#view.y + y };
    this.#place();
  }

  #fitScale() {
    const [canvas] = this.#canvases;
    const { clientWidth, clientHeight } = canvas.parentElement;
    return Math.min(clientWidth / canvas.width, clientHeight / canvas.height) || 1;
  }

  #paint() {
    const { bits, panes } = this.#image;
    const table = this.#table[bits];
    // From slice to slice of a stack the window stays, and so does what it makes of each value.
    const { low, high } = this.#window;
    const tableOf = `${bits} ${low} ${high} ${this.inverted}`;
    if (tableOf !== this.#tableOf) windowTable(bits, this.#window, this.inverted, table);
    this.#tableOf = tableOf;
    for (const [place, pixels] of panes.entries()) {
      paintThrough(table, pixels, this.#words);
      this.#contexts[place].putImageData(this.#bitmap, 0, 0);
      this.overlay?.(this.#contexts[place]);
    }
    this.dispatchEvent(new Event("change"));
  }

  #place() {
    const { zoom, x, y } = this.#view;
    const scale = this.#fitScale() * zoom;
    const across = this.flippedAcross ? -scale : scale;
    const down = this.flippedDown ? -scale : scale;
    const transform = `translate(-50%, -50%) translate(${x}px, ${y}px) scale(${across}, ${down})`;
    for (const canvas of this.#canvases) canvas.style.transform = transform;
    this.dispatchEvent(new Event("change"));
  }

  #listen() {
    const stage = this.#stage;
    stage.addEventListener("contextmenu", (event) => event.preventDefault());
    stage.addEventListener("pointerdown", (event) => this.#press(event));
    stage.addEventListener("pointermove", (event) => this.#drag(event));
    for (const end of ["pointerup", "pointercancel"]) {
      stage.addEventListener(end, (event) => this.#lift(event));
    }
    stage.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        if (this.scrolling && !event.ctrlKey) return this.scrolling.wheel(event);
        const { x, y } = this.#fromMiddle(event);
        return this.zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), x, y);
      },
      { passive: false },
    );
    stage.addEventListener("dblclick", () => this.fit());
  }

  #press(event) {
    event.preventDefault();
    this.#stage.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (!this.pointing?.isOn || !this.#image) return;
    if (this.#pointers.size > 1) this.pointing.drop();
    else this.pointing.press(event, this.#canvases[0].getBoundingClientRect());
  }

  #lift(event) {
    this.#pointers.delete(event.pointerId);
    if (!this.pointing?.isOn) return;
    if (event.type === "pointerup") this.pointing.lift();
    else this.pointing.drop();
  }

  /** One finger or the right button pans, the left button windows, two fingers zoom. */
  #drag(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before || !this.#image) return;
    const now = { x: event.clientX, y: event.clientY };
    const [x, y] = [now.x - before.x, now.y - before.y];
    if (this.#pointers.size === 2) this.#pinch(event.pointerId, before, now);
    else if (this.pointing?.isOn) this.pointing.drag(event, this.#canvases[0].getBoundingClientRect());
    else if (this.scrolling && event.pointerType === "touch") this.scrolling.drag(y / this.#stage.clientHeight);
    else if (event.pointerType === "touch" || event.shiftKey || event.buttons & 6) this.pan(x, y);
    else this.changeWindow(-y / 512, x / 256);
    this.#pointers.set(event.pointerId, now);
  }

  #pinch(moving, before, now) {
    const [, still] = [...this.#pointers].find(([id]) => id !== moving);
    const apart = (a, b) => Math.hypot(a.x - b.x, a.y - b.y) || 1;
    const middle = this.#fromMiddle({ clientX: (now.x + still.x) / 2, clientY: (now.y + still.y) / 2 });
    this.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    this.zoomBy(apart(now, still) / apart(before, still), middle.x, middle.y);
  }

  /** From the middle of the pane that is pointed at, so that the same spot is meant in all of them. */
  #fromMiddle({ clientX, clientY }) {
    const boxes = this.#canvases.map((canvas) => canvas.parentElement.getBoundingClientRect());
    const box = boxes.find(({ right, bottom }) => clientX <= right && clientY <= bottom) ?? boxes.at(-1);
    return { x: clientX - box.left - box.width / 2, y: clientY - box.top - box.height / 2 };
  }
}

/** Call when the frame at hand is painted, or soon in a page that is not seen. */
export function afterPainting(act) {
  let done = false;
  const once = () => {
    if (!done) act();
    done = true;
  };
  requestAnimationFrame(() => setTimeout(once));
  setTimeout(once, 100);
}
