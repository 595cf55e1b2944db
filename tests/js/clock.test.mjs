import assert from "node:assert/strict";
import { test } from "node:test";

import { Clock, STILL_LOOKING_MS } from "../../static/js/reading/presence.js";

function clockAt() {
  const time = { now: 0 };
  return { time, clock: new Clock(() => time.now) };
}

test("looking without touching anything is active for a while, then idle", () => {
  const { time, clock } = clockAt();
  time.now = STILL_LOOKING_MS + 5000;
  assert.deepEqual(clock.read(), { active_ms: STILL_LOOKING_MS, idle_ms: 5000 });
});

test("a key makes the rater active again", () => {
  const { time, clock } = clockAt();
  time.now = STILL_LOOKING_MS + 5000;
  clock.input();
  time.now += 1000;
  assert.deepEqual(clock.read(), { active_ms: STILL_LOOKING_MS + 1000, idle_ms: 5000 });
});

test("a hidden page is idle from that moment on", () => {
  const { time, clock } = clockAt();
  time.now = 2000;
  clock.away(true);
  time.now = 12_000;
  clock.away(false);
  time.now = 13_000;
  assert.deepEqual(clock.read(), { active_ms: 3000, idle_ms: 10_000 });
});

test("each image begins at nothing, and nothing is counted twice", () => {
  const { time, clock } = clockAt();
  time.now = 500;
  clock.read();
  clock.read();
  assert.deepEqual(clock.read(), { active_ms: 500, idle_ms: 0 });
  clock.start();
  time.now = 700;
  assert.deepEqual(clock.read(), { active_ms: 200, idle_ms: 0 });
});
