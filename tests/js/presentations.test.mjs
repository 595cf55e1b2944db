import assert from "node:assert/strict";
import { test } from "node:test";

import { Presentations } from "../../static/js/reading/presentations.js";

const at = (position) => ({ token: `t${position}`, position });
const of = (...positions) => new Presentations(positions.map(at));

test("the frontier is the first that is held, and none once all are rated", () => {
  const presentations = of(1, 2);

  presentations.rate(presentations.frontier, { label: "real" }, "k1");
  assert.equal(presentations.frontier.position, 2);
  presentations.rate(presentations.frontier, { label: "fake" }, "k2");

  assert.equal(presentations.frontier, null);
  assert.deepEqual([presentations.answerAt(1).key, presentations.answerAt(2).key], ["k1", "k2"]);
});

test("what the server names again is held once, in order, and nothing that is answered, lost or on its way", () => {
  const presentations = of(1, 2, 3);
  presentations.rate(presentations.frontier, { label: "real" }, "k1");
  presentations.passOver(presentations.frontier);

  const isNew = presentations.take([1, 2, 3, 6, 5, 4].map(at), [at(4)]);

  assert.equal(isNew, true);
  assert.deepEqual(presentations.tokens, ["t3", "t5", "t6"]);
  assert.equal(presentations.end, 6);
  assert.equal(presentations.take([at(5)], []), false);
});

test("the image rated last stays at hand behind the next three, also after a reload", () => {
  const presentations = of(1, 2, 3, 4, 5, 6);
  presentations.rate(presentations.frontier, { label: "real" }, "k1");
  assert.deepEqual(presentations.atHand, ["t2", "t3", "t4", "t1", "t5", "t6"]);

  const reloaded = of(1, 2, 3);
  reloaded.remember(reloaded.frontier, { label: "real", key: "k1" });
  assert.deepEqual(reloaded.atHand, ["t2", "t3", "t1"]);
});

test("a correction changes the answer and holds nothing anew", () => {
  const presentations = of(1, 2);
  const first = presentations.frontier;
  presentations.rate(first, { label: "real" }, "k1");

  presentations.rate(first, { label: "fake" }, "k2");

  assert.deepEqual(presentations.answerAt(1), { presentation: first, answer: { label: "fake" }, key: "k2" });
  assert.equal(presentations.frontier.position, 2);
});
