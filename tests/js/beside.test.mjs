import assert from "node:assert/strict";
import { test } from "node:test";

import { beside } from "../../static/js/tour/beside.js";

const WINDOW = { width: 1280, height: 800 };
const CARD = { width: 352, height: 200 };

function box(left, top, width, height) {
  return { left, top, right: left + width, bottom: top + height };
}

test("beside a link of the rail, at its end", () => {
  assert.deepEqual(beside(box(12, 300, 200, 34), CARD, WINDOW), { left: 224, top: 300 });
});

test("from right to left the end is the left", () => {
  assert.deepEqual(beside(box(1068, 300, 200, 34), CARD, WINDOW, true), { left: 704, top: 300 });
});

test("below a button that stands at the end, and within the window", () => {
  assert.deepEqual(beside(box(1100, 40, 150, 36), CARD, WINDOW), { left: 920, top: 88 });
});

test("above what stands at the foot of a phone's window", () => {
  assert.deepEqual(beside(box(16, 700, 358, 40), CARD, { width: 390, height: 800 }), { left: 16, top: 488 });
});

test("over the foot of what fills the window", () => {
  assert.deepEqual(beside(box(0, -100, 390, 1200), CARD, { width: 390, height: 800 }), { left: 8, top: 592 });
});

test("never past the head of a window that is too small", () => {
  assert.equal(beside(box(0, 0, 390, 100), CARD, { width: 390, height: 150 }).top, 8);
});
