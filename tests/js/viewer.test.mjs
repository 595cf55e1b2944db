import assert from "node:assert/strict";
import { test } from "node:test";

import {
  LEAST_ZOOM,
  MOST_ZOOM,
  clampedWindow,
  paintThrough,
  presetsFor,
  windowTable,
  zoomedAt,
} from "../../static/js/reading/viewer.js";

const grey = (word) => word & 0xff;
const whole = { low: 0, high: 1 };

test("the whole range maps the darkest value to black and the brightest to white", () => {
  for (const bits of [8, 16]) {
    const table = windowTable(bits, whole);
    assert.equal(grey(table[0]), 0);
    assert.equal(grey(table.at(-1)), 255);
    assert.equal(table[0] >>> 24, 255);
  }
});

test("with eight bits and the whole range every value is shown as it is", () => {
  const table = windowTable(8, whole);
  for (let value = 0; value < 256; value++) assert.equal(table[value], (0xff000000 | (value * 0x010101)) >>> 0);
});

test("a window clips what lies outside and inverting turns it round", () => {
  const table = windowTable(16, { low: 0.25, high: 0.75 });
  assert.equal(grey(table[1000]), 0);
  assert.equal(grey(table[65000]), 255);
  assert.equal(grey(windowTable(16, { low: 0.25, high: 0.75 }, true)[1000]), 255);
});

test("painting looks every pixel up", () => {
  const out = new Uint32Array(3);
  paintThrough(windowTable(8, whole), new Uint8Array([0, 128, 255]), out);
  assert.deepEqual([...out].map(grey), [0, 128, 255]);
});

test("the point under the pointer stays there while zooming", () => {
  const before = { zoom: 1.5, x: 12, y: -40 };
  const after = zoomedAt(before, 1.7, 100, 60);
  const imagePoint = (view) => [(100 - view.x) / view.zoom, (60 - view.y) / view.zoom];
  imagePoint(before).forEach((value, i) => assert.ok(Math.abs(value - imagePoint(after)[i]) < 1e-9));
});

test("zoom has ends", () => {
  assert.equal(zoomedAt({ zoom: 1, x: 0, y: 0 }, 1e9, 0, 0).zoom, MOST_ZOOM);
  assert.equal(zoomedAt({ zoom: 1, x: 0, y: 0 }, 1e-9, 0, 0).zoom, LEAST_ZOOM);
});

test("a window is never empty and its middle never leaves the range", () => {
  const { low, high } = clampedWindow(7, -3);
  assert.ok(high > low);
  assert.ok(Math.abs((low + high) / 2 - 1) < 1e-9);
});

test("windows that need depth are offered only where there is depth", () => {
  const names = (modality, bits) => presetsFor(modality, bits).map(({ name }) => name);
  assert.deepEqual(names("ct", 16), ["default", "lung", "mediastinum", "bone", "contrast"]);
  assert.deepEqual(names("ct", 8), ["default", "contrast"]);
  assert.deepEqual(names("xray", 16), ["default", "contrast"]);
});
