import assert from "node:assert/strict";
import { test } from "node:test";

import { meaning as meaningOf } from "../../static/js/reading/keyboard.js";

const labels = { 1: "real", 2: "fake", 3: "unsure", r: "real", f: "fake", u: "unsure" };
const meaning = (event, more = {}) => meaningOf(event, { labels, ...more });

const key = (key, more = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, ...more });

test("digits and letters label", () => {
  for (const [pressed, label] of [["1", "real"], ["R", "real"], ["2", "fake"], ["f", "fake"], ["3", "unsure"], ["u", "unsure"]]) {
    assert.deepEqual(meaning(key(pressed)), { does: "label", value: label });
  }
});

test("a study with other labels has other keys", () => {
  assert.deepEqual(meaning(key("2"), { labels: { 1: "usual", 2: "unusual" } }), { does: "label", value: "unusual" });
  assert.equal(meaning(key("3"), { labels: { 1: "usual", 2: "unusual" } }), null);
  assert.equal(meaning(key("r"), { labels: {} }), null);
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
  assert.deepEqual(meaning(key("2"), { where: "control" }), { does: "label", value: "fake" });
  assert.deepEqual(meaning(key("Enter"), { where: "choice" }), { does: "save" });
});

test("single-key shortcuts can be switched off, Enter stays", () => {
  for (const pressed of ["1", "f", "i", "?", "+"]) assert.equal(meaning(key(pressed), { singleKeys: false }), null);
  assert.deepEqual(meaning(key("Enter"), { singleKeys: false }), { does: "save" });
});

test("Shift and a digit say how sure, whatever the keyboard makes of it", () => {
  assert.deepEqual(meaning(key("$", { shiftKey: true, code: "Digit4" })), { does: "confidence", value: "4" });
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
