// Rectangles drawn over an image are lines of a text field: left, top, width, height in pixels of the image.

const SVG = "http://www.w3.org/2000/svg";
const LEAST = 2; // a click is no rectangle
// As the server reads them (pool/release/masks.py): of a line, all or nothing.
const LINE_ENDS = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/;
const FOUR_NUMBERS = /^\s*(\d{1,5})(?:\s*,\s*|\s+)(\d{1,5})(?:\s*,\s*|\s+)(\d{1,5})(?:\s*,\s*|\s+)(\d{1,5})\s*$/;

/** The rectangle between two points, in whole pixels and inside an image of this size. */
export function rectangleBetween(from, to, size) {
  const inside = (value, most) => Math.min(Math.max(Math.round(value), 0), most);
  const [left, right] = [inside(from.x, size.width), inside(to.x, size.width)].sort((a, b) => a - b);
  const [top, bottom] = [inside(from.y, size.height), inside(to.y, size.height)].sort((a, b) => a - b);
  return { left, top, width: right - left, height: bottom - top };
}

/** The rectangles that a text names, one a line; lines that name none are left out. */
export function rectanglesOf(text) {
  return text
    .split(LINE_ENDS)
    .map((line) => line.match(FOUR_NUMBERS))
    .filter((match) => match)
    .map((match) => match.slice(1).map(Number))
    .map(([left, top, width, height]) => ({ left, top, width, height }));
}

/** Draws rectangles on an SVG over the image and keeps the text field in step, both ways. */
export class Mask {
  constructor(svg, field) {
    this.svg = svg;
    this.field = field;
    this.size = { width: svg.viewBox.baseVal.width, height: svg.viewBox.baseVal.height };
    svg.addEventListener("pointerdown", (event) => this.begin(event));
    svg.addEventListener("pointermove", (event) => this.move(event));
    svg.addEventListener("pointerup", () => this.end());
    svg.addEventListener("pointercancel", () => this.drop());
    field.addEventListener("input", () => this.draw());
    this.draw();
  }

  place(event) {
    return new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
  }

  begin(event) {
    event.preventDefault();
    this.svg.setPointerCapture(event.pointerId);
    this.from = this.place(event);
  }

  move(event) {
    if (!this.from) return;
    this.current = rectangleBetween(this.from, this.place(event), this.size);
    this.draw();
  }

  end() {
    const rectangle = this.current;
    this.drop();
    if (!rectangle || rectangle.width < LEAST || rectangle.height < LEAST) return;
    const { left, top, width, height } = rectangle;
    const before = this.field.value.trimEnd();
    this.field.value = `${before}${before ? "\n" : ""}${left}, ${top}, ${width}, ${height}`;
    this.draw();
  }

  drop() {
    this.from = this.current = undefined;
    this.draw();
  }

  draw() {
    this.svg.querySelectorAll("rect").forEach((shape) => shape.remove());
    const rectangles = rectanglesOf(this.field.value);
    for (const { left, top, width, height } of this.current ? [...rectangles, this.current] : rectangles) {
      const shape = document.createElementNS(SVG, "rect");
      for (const [name, value] of Object.entries({ x: left, y: top, width, height })) shape.setAttribute(name, value);
      this.svg.append(shape);
    }
  }
}

if (typeof document !== "undefined") {
  for (const svg of document.querySelectorAll("svg[data-mask]")) {
    new Mask(svg, document.getElementById(svg.dataset.mask));
  }
}
