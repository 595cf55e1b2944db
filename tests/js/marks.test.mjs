import assert from "node:assert/strict";
import { test } from "node:test";

import { markBetween, moved, shareAt } from "../../static/js/reading/marks.js";

const box = { left: 100, top: 50, width: 400, height: 200 };

test("a pointer's place is a share of the image, however it is flipped, and never outside", () => {
  assert.deepEqual(shareAt({ clientX: 200, clientY: 100 }, box), { x: 0.25, y: 0.25 });
  assert.deepEqual(shareAt({ clientX: 200, clientY: 100 }, box, { across: true, down: true }), { x: 0.75, y: 0.75 });
  assert.deepEqual(shareAt({ clientX: 0, clientY: 900 }, box), { x: 0, y: 1 });
});

test("a box is the same whichever corner it is drawn from, and a hand that hardly moved means a point", () => {
  const expected = { x: 0.2, y: 0.3, w: 0.4, h: 0.1 };
  assert.deepEqual(markBetween({ x: 0.2, y: 0.3 }, { x: 0.6, y: 0.4 }), expected);
  assert.deepEqual(markBetween({ x: 0.6, y: 0.4 }, { x: 0.2, y: 0.3 }), expected);
  assert.deepEqual(markBetween({ x: 0.5, y: 0.5 }, { x: 0.505, y: 0.495 }), { x: 0.5, y: 0.5, w: 0, h: 0 });
});

test("arrows move the cross as it looks, with Shift they size its box, and it stays inside", () => {
  const cross = { x: 0.5, y: 0.5, w: 0, h: 0 };
  assert.deepEqual(moved(cross, "ArrowRight"), { ...cross, x: 0.52 });
  assert.deepEqual(moved(cross, "ArrowRight", { across: true }), { ...cross, x: 0.48 });
  assert.deepEqual(moved(cross, "ArrowUp", { down: true }), { ...cross, y: 0.52 });
  assert.deepEqual(moved(cross, "ArrowDown", { shift: true }), { ...cross, h: 0.02 });
  assert.deepEqual(moved(cross, "ArrowLeft", { shift: true }), cross);
  assert.deepEqual(moved({ ...cross, x: 0.99 }, "ArrowRight"), { ...cross, x: 1 });
  assert.deepEqual(moved({ x: 0.9, y: 0, w: 0.1, h: 0.1 }, "ArrowUp"), { x: 0.9, y: 0, w: 0.1, h: 0.1 });
});
