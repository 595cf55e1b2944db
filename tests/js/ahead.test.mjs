import assert from "node:assert/strict";
import { test } from "node:test";

import { unratedBy } from "../../static/js/reading/prefetch.js";

const at = (position) => ({ token: `t${position}`, position });

test("of a list that is not full, what it does not name is rated", () => {
  const isUnrated = unratedBy([at(3), at(4)], 3);
  assert.deepEqual([2, 3, 4, 5].map((position) => isUnrated(at(position))), [false, true, true, false]);
});

test("of a full list, what lies behind its end may still be unrated", () => {
  const isUnrated = unratedBy([at(3), at(4), at(6)], 3);
  assert.deepEqual([2, 3, 5, 6, 7].map((position) => isUnrated(at(position))), [false, true, false, true, true]);
});

test("of an empty list, all is rated", () => {
  assert.equal(unratedBy([], 3)(at(1)), false);
});
