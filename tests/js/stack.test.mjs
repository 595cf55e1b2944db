import assert from "node:assert/strict";
import { test } from "node:test";

import { meaning } from "../../static/js/reading/keyboard.js";
import { STACK_KEYS, SliceTimes, heldAround, middleOf, sliceUrl } from "../../static/js/reading/stack.js";

const press = (key, more = {}) => meaning({ key, ...more }, { stack: true, letters: { r: "real", f: "fake", u: "unsure" }, answers: 3 });

test("the middle slice is the one that the server made the image of", () => {
  assert.deepEqual([1, 2, 3, 7, 10, 300].map(middleOf), [1, 2, 2, 4, 6, 151]);
});

test("slices are held nearest first, ahead before behind, and never outside the stack", () => {
  assert.deepEqual(heldAround(5, 10, 1, 5), [5, 6, 4, 7, 3]);
  assert.deepEqual(heldAround(5, 10, -1, 5), [5, 4, 6, 3, 7]);
  assert.deepEqual(heldAround(1, 3), [1, 2, 3]);
  assert.deepEqual(heldAround(300, 300, 1, 4), [300, 299, 298, 297]);
  assert.equal(heldAround(150, 300).length, 64);
});

test("each slice has the time it was shown, and one that flew past is told from one never shown", () => {
  const times = new SliceTimes(4);
  times.turn(3, 0);
  times.turn(2, 500);
  times.turn(1, 500);
  times.turn(3, 700.4);

  assert.deepEqual(times.read(1000), [201, 1, 801, 0]);
  assert.deepEqual(times.read(1000), [201, 1, 801, 0]);
});

test("a slice's address has token and number in their places, in a preview too", () => {
  assert.equal(sliceUrl("/i/TOKEN/0", "abc/12"), "/i/abc/12");
  assert.equal(sliceUrl("/studies/0815/preview/TOKEN/0.png?session=1", "3/7"), "/studies/0815/preview/3/7.png?session=1");
});

test("keys turn slices in a stack and nothing of a label or digit is taken from the rater", () => {
  for (const [key, does] of Object.entries(STACK_KEYS)) assert.deepEqual(press(key), { does });
  assert.deepEqual(press("r"), { does: "label", value: "real" });
  assert.deepEqual(press("2"), { does: "answer", value: 2 });
  assert.deepEqual(press("ArrowLeft"), { does: "panLeft" });
  assert.deepEqual(meaning({ key: "c" }, { stack: true, letters: { c: "clear" } }), { does: "label", value: "clear" });
  assert.deepEqual(meaning({ key: "ArrowUp" }), { does: "panUp" });
  assert.equal(meaning({ key: "c" }), null);
});

test("with single keys off the keys that name no character still turn slices", () => {
  for (const key of ["ArrowUp", "PageDown", "Home", "End"]) {
    assert.deepEqual(meaning({ key }, { stack: true, singleKeys: false }), { does: STACK_KEYS[key] });
  }
  assert.equal(meaning({ key: "c" }, { stack: true, singleKeys: false }), null);
  assert.equal(meaning({ key: "ArrowDown" }, { stack: true, where: "choice" }), null);
});
