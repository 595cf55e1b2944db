/** Points and boxes that a rater puts on the image: by mouse, by touch, or by a cross that the keys move. The pure parts come first. */

export const MOST_MARKS = 20;
const STEP = 0.02; // of a side, that a key moves the cross or an edge
const LEAST_BOX = 0.012; // of a side; what is smaller is meant as a point
const CENTRE = { x: 0.5, y: 0.5, w: 0, h: 0 };
const POINT_RADIUS = 0.015;
const COLOUR = "#ffd54a";
const EDGE = "#1a1a1a";

/** A share of the image under a pointer, for a canvas that may be flipped; inside the image always. */
export function shareAt({ clientX, clientY }, box, { across = false, down = false } = {}) {
  const inside = (value) => Math.min(Math.max(value, 0), 1);
  const x = inside((clientX - box.left) / box.width);
  const y = inside((clientY - box.top) / box.height);
  return { x: across ? 1 - x : x, y: down ? 1 - y : y };
}

/** The mark that a hand drew from one share to another: a box, or where it hardly moved the point it began at. */
export function markBetween(from, to) {
  const [w, h] = [Math.abs(to.x - from.x), Math.abs(to.y - from.y)];
  if (w < LEAST_BOX && h < LEAST_BOX) return rounded({ ...from, w: 0, h: 0 });
  return rounded({ x: Math.min(from.x, to.x), y: Math.min(from.y, to.y), w, h });
}

/** The cross after an arrow key; with Shift its box grows and shrinks instead. On a flipped image keys go as they look. */
export function moved(cross, key, { shift = false, across = false, down = false } = {}) {
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  if (!way) return cross;
  const [byX, byY] = shift ? way : [across ? -way[0] : way[0], down ? -way[1] : way[1]];
  const within = (value, most) => Math.min(Math.max(value, 0), most);
  if (shift) {
    return rounded({ ...cross, w: within(cross.w + byX * STEP, 1 - cross.x), h: within(cross.h + byY * STEP, 1 - cross.y) });
  }
  return rounded({ ...cross, x: within(cross.x + byX * STEP, 1 - cross.w), y: within(cross.y + byY * STEP, 1 - cross.h) });
}

function rounded(mark) {
  return Object.fromEntries(Object.entries(mark).map(([name, value]) => [name, Number(value.toFixed(4))]));
}

export class Marks {
  #viewer;
  #slices;
  #parts;
  #words;
  #byToken = new Map();
  #token = null;
  #slice = null;
  #isOn = false;
  #cross = null;
  #from = null;
  #drawn = null;
  #changed;

  constructor({ root, viewer, slices, changed = () => {} }) {
    this.#viewer = viewer;
    this.#changed = changed;
    this.#slices = slices;
    const bar = root.querySelector("[data-marks]");
    this.#words = bar.dataset;
    this.#parts = {
      toggle: bar.querySelector("[data-does=mark]"),
      last: bar.querySelector("[data-does=unmark]"),
      said: bar.querySelector("[role=status]"),
    };
    viewer.overlay = (context) => this.#draw(context);
    viewer.pointing = this;
    viewer.addEventListener("show", ({ detail }) => this.#open(detail));
    viewer.addEventListener("blank", () => this.#open(null));
    viewer.addEventListener("slice", ({ detail }) => this.#turn(detail));
  }

  /** Whether a pointer marks now, instead of windowing and moving. */
  get isOn() {
    return this.#isOn && this.#token !== null;
  }

  /** Of an answer given before, as the server holds it, or of one begun. */
  remember(token, marks = []) {
    if (!this.#byToken.has(token)) this.#byToken.set(token, marks);
    if (token !== this.#token) return;
    this.#tell();
    this.#viewer.repaint();
  }

  /** What is marked on the image at hand, to be kept with its rating. */
  used() {
    const { list } = this;
    return list.length ? { marks: list } : {};
  }

  get list() {
    return this.#byToken.get(this.#token) ?? [];
  }

  act(does) {
    const acts = { mark: () => this.#turnOn(!this.#isOn), unmark: () => this.#removeLast() };
    acts[does]?.();
    return Object.hasOwn(acts, does);
  }

  /** While marking, the keys move the cross; true when a key was meant for it. */
  key(event) {
    if (!this.isOn || event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key.startsWith("Arrow")) {
      this.#cross = moved(this.#cross ?? CENTRE, event.key, { shift: event.shiftKey, ...this.#flips });
      this.#say(this.#cross);
    } else if (event.key === " ") this.#add(this.#cross ?? CENTRE);
    else if (event.key === "Escape") this.#turnOn(false);
    else if (event.key === "Backspace" || event.key === "Delete") this.#removeLast();
    else return false;
    this.#viewer.repaint();
    return true;
  }

  press(event, box) {
    this.#from = shareAt(event, box, this.#flips);
    this.#drawn = markBetween(this.#from, this.#from);
    this.#viewer.repaint();
  }

  drag(event, box) {
    if (!this.#from) return;
    this.#drawn = markBetween(this.#from, shareAt(event, box, this.#flips));
    this.#viewer.repaint();
  }

  lift() {
    if (this.#drawn) this.#add(this.#drawn);
    this.#from = this.#drawn = null;
    this.#viewer.repaint();
  }

  /** A second finger: it was meant to zoom. */
  drop() {
    this.#from = this.#drawn = null;
  }

  get #flips() {
    return { across: this.#viewer.flippedAcross, down: this.#viewer.flippedDown };
  }

  #open(token) {
    this.#token = token;
    this.#from = this.#drawn = null;
    this.#turnOn(false);
    this.#tell();
    if (token) this.#viewer.repaint();
  }

  #turn(slice) {
    if (this.#slice === slice) return;
    this.#slice = slice;
    this.#viewer.repaint();
  }

  #turnOn(isOn) {
    this.#isOn = isOn;
    this.#cross = isOn ? CENTRE : null;
    this.#parts.toggle.setAttribute("aria-pressed", String(isOn));
    if (isOn) this.#parts.said.textContent = this.#words.how;
    if (this.#token) this.#viewer.repaint();
  }

  #add(mark) {
    if (this.list.length >= MOST_MARKS) return;
    const of = this.#slices > 1 ? { slice: this.#slice } : {};
    this.#byToken.set(this.#token, [...this.list, { ...mark, ...of }]);
    this.#tell();
    this.#say(mark);
    this.#changed();
  }

  #removeLast() {
    if (!this.#token) return;
    this.#byToken.set(this.#token, this.list.slice(0, -1));
    this.#tell();
    this.#parts.said.textContent = this.#parts.last.textContent;
    this.#viewer.repaint();
    this.#changed();
  }

  #tell() {
    const { length } = this.list;
    this.#parts.last.hidden = length === 0;
    this.#parts.last.textContent = this.#words.remove.replace("%s", length);
  }

  #say({ x, y }) {
    const at = this.#words.at.replace("%s", Math.round(100 * x)).replace("%t", Math.round(100 * y));
    this.#parts.said.textContent = at;
  }

  /** On the canvas itself, above the pixels: so it zooms and flips with them. */
  #draw(context) {
    const here = this.list.filter(({ slice }) => !slice || slice === this.#slice);
    for (const mark of [...here, this.#drawn].filter(Boolean)) outline(context, mark);
    if (this.isOn && this.#cross && !this.#drawn) cross(context, this.#cross);
  }
}

function outline(context, { x, y, w, h }) {
  const { width, height } = context.canvas;
  const path = new Path2D();
  if (w || h) path.rect(x * width, y * height, w * width, h * height);
  else path.arc(x * width, y * height, POINT_RADIUS * width, 0, 2 * Math.PI);
  stroke(context, path);
}

function cross(context, { x, y, w, h }) {
  const { width, height } = context.canvas;
  const path = new Path2D();
  const arm = 2 * POINT_RADIUS * width;
  path.moveTo(x * width - arm, y * height);
  path.lineTo(x * width + arm, y * height);
  path.moveTo(x * width, y * height - arm);
  path.lineTo(x * width, y * height + arm);
  if (w || h) path.rect(x * width, y * height, w * width, h * height);
  stroke(context, path);
}

/** Light on dark, to be seen on air and on bone. */
function stroke(context, path) {
  const line = Math.max(1, context.canvas.width / 400);
  for (const [colour, wide] of [[EDGE, 2.2 * line], [COLOUR, line]]) {
    context.strokeStyle = colour;
    context.lineWidth = wide;
    context.stroke(path);
  }
}
