import assert from "node:assert/strict";
import { test } from "node:test";

import { sentence } from "../../static/js/generation/sentence.js";

test("the sentence names number, model and dataset", () => {
  const text = sentence({ total: "1200", model: "lungs, any finding", dataset: "Fakes", isNew: true });

  assert.equal(text, "1,200 images by lungs, any finding, into the new dataset “Fakes”.");
});

test("one image is one image, into a dataset that is there", () => {
  assert.equal(sentence({ total: "1", model: "m", dataset: "D", isNew: false }), "1 image by m, into “D”.");
});

test("nothing is promised of a form that is not filled in", () => {
  for (const missing of [{ total: "" }, { total: "0" }, { total: "2.5" }, { model: "" }, { dataset: "" }]) {
    assert.equal(sentence({ total: "2", model: "m", dataset: "D", isNew: false, ...missing }), "");
  }
});
