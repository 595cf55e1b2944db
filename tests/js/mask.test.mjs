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

test("a line that the server refuses is drawn nowhere", () => {
  for (const line of ["10.5, 20.5", "0 0 123456 1", "-1, 2, 3, 4", "1,,2,3,4", "1 2 3 4 5", "x 1 2 3 4", "1 2\f3 4"]) {
    assert.deepEqual(rectanglesOf(line), [], line);
  }
});

test("commas and spaces part the numbers, as the server takes them", () => {
  for (const line of ["1,2,3,4", " 1 , 2 ,3, 4 ", "1\t2  3 4"]) {
    assert.deepEqual(rectanglesOf(line), [{ left: 1, top: 2, width: 3, height: 4 }], line);
  }
});
