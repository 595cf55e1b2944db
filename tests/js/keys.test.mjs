import assert from "node:assert/strict";
import { test } from "node:test";

import { meaning as meaningOf } from "../../static/js/reading/keyboard.js";

import { capOf, digitOf } from "../../static/js/reading/keys.js";

const letters = { r: "real", f: "fake", u: "unsure" };
const meaning = (event, more = {}) => meaningOf(event, { letters, answers: 3, ...more });

const key = (key, more = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });

test("digits answer the open question, letters label", () => {
  for (const digit of ["1", "2", "3"]) {
    assert.deepEqual(meaning(key(digit)), { does: "answer", value: Number(digit) });
  }
  for (const [pressed, label] of [["R", "real"], ["f", "fake"], ["u", "unsure"]]) {
    assert.deepEqual(meaning(key(pressed)), { does: "label", value: label });
  }
});

test("a question with fewer answers has fewer keys", () => {
  assert.deepEqual(meaning(key("2"), { answers: 2 }), { does: "answer", value: 2 });
  assert.equal(meaning(key("3"), { answers: 2 }), null);
  assert.equal(meaning(key("r"), { letters: {} }), null);
});

// What the digit row of each keyboard types without Shift.
const ROWS = {
  qwerty: "12345",
  azerty: "&é\"'(",
  czech: "+ěščř",
  arabic: "١٢٣٤٥",
  persian: "۱۲۳۴۵",
};
for (const [layout, row] of Object.entries(ROWS)) {
  test(`the digit row of a ${layout} keyboard gives digits`, () => {
    const pressed = [...row].map((typed, at) => meaning(key(typed, { code: `Digit${at + 1}` }), { answers: 5 }));
    assert.deepEqual(pressed, [1, 2, 3, 4, 5].map((value) => ({ does: "answer", value })));
  });
}

test("a digit typed with Shift, as on AZERTY, is a digit; another sign typed with Shift is that sign", () => {
  assert.equal(digitOf(key("2", { code: "Digit2", shiftKey: true })), "2");
  assert.equal(digitOf(key("@", { code: "Digit2", shiftKey: true })), null);
  assert.deepEqual(meaning(key("+", { code: "Digit1", shiftKey: true })), { does: "zoomIn" }); // Swiss
});

test("letters and signs go by their place where the keyboard writes no Latin", () => {
  assert.deepEqual(meaning(key("ق", { code: "KeyR" })), { does: "label", value: "real" });
  assert.deepEqual(meaning(key("ة", { code: "KeyM" })), { does: "remark" });
  assert.deepEqual(meaning(key("ج", { code: "BracketLeft" })), { does: "narrower" });
  assert.deepEqual(meaning(key("؟", { code: "Slash", shiftKey: true })), { does: "help" });
  assert.deepEqual(meaning(key("a", { code: "KeyQ" })), { does: "actual" }); // AZERTY: by what it types
});

test("a pad without its digits moves the image, as its arrows say", () => {
  assert.deepEqual(meaning(key("ArrowLeft", { code: "Numpad4" })), { does: "panLeft" });
  assert.deepEqual(meaning(key("2", { code: "Numpad2" })), { does: "answer", value: 2 });
});

test("a button shows what stands on this keyboard's own key", () => {
  const azerty = new Map([["Digit1", "&"], ["KeyQ", "a"], ["KeyR", "r"]]);
  assert.equal(capOf("1", azerty), "&");
  assert.equal(capOf("R", azerty), null);
  assert.equal(capOf("R", new Map([["KeyR", "ق"]])), "ق");
  assert.equal(capOf("1", null), null);
});

test("the remark box keeps its keys; only Enter and Escape leave it", () => {
  for (const pressed of ["1", "f", "i", " ", "?", "Backspace", "ArrowLeft", "PageUp"]) {
    assert.equal(meaning(key(pressed), { where: "text" }), null);
  }
  assert.deepEqual(meaning(key("Enter"), { where: "text" }), { does: "save" });
  assert.equal(meaning(key("Enter", { shiftKey: true }), { where: "text" }), null);
  assert.deepEqual(meaning(key("Escape"), { where: "text" }), { does: "leave" });
});

test("a focused button keeps Enter, Space and the arrows", () => {
  for (const pressed of ["Enter", " ", "ArrowUp"]) assert.equal(meaning(key(pressed), { where: "control" }), null);
  assert.deepEqual(meaning(key("2"), { where: "control" }), { does: "answer", value: 2 });
  assert.deepEqual(meaning(key("Enter"), { where: "choice" }), { does: "save" });
});

test("single-key shortcuts can be switched off, Enter stays", () => {
  for (const pressed of ["1", "f", "i", "?", "+"]) assert.equal(meaning(key(pressed), { singleKeys: false }), null);
  assert.deepEqual(meaning(key("Enter"), { singleKeys: false }), { does: "save" });
});

test("the browser's own shortcuts stay the browser's; Ctrl+Z takes back", () => {
  assert.equal(meaning(key("r", { ctrlKey: true })), null);
  assert.equal(meaning(key("f", { metaKey: true })), null);
  assert.deepEqual(meaning(key("z", { ctrlKey: true })), { does: "undo" });
  assert.equal(meaning(key("z", { ctrlKey: true }), { where: "text" }), null);
});

test("half-written characters of an input method are not shortcuts", () => {
  assert.equal(meaning(key("Enter", { isComposing: true }), { where: "text" }), null);
});
