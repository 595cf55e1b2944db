import assert from "node:assert/strict";
import { test } from "node:test";

import { rectangleBetween, rectanglesOf } from "../../static/js/pool/mask.js";

const size = { width: 100, height: 50 };

test("a rectangle is the same whichever corner it is drawn from", () => {
  const expected = { left: 10, top: 5, width: 20, height: 30 };

  assert.deepEqual(rectangleBetween({ x: 10, y: 5 }, { x: 30, y: 35 }, size), expected);
  assert.deepEqual(rectangleBetween({ x: 30, y: 35 }, { x: 10, y: 5 }, size), expected);
});

test("a rectangle ends where the image does", () => {
  assert.deepEqual(rectangleBetween({ x: 90.4, y: -20 }, { x: 500, y: 400 }, size), {
    left: 90,
    top: 0,
    width: 10,
    height: 50,
  });
});

test("each line of four numbers is a rectangle", () => {
  assert.deepEqual(rectanglesOf("1, 2, 3, 4\nwords\n5 6 7 8\n"), [
    { left: 1, top: 2, width: 3, height: 4 },
    { left: 5, top: 6, width: 7, height: 8 },
  ]);
});
