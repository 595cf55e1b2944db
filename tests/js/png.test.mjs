import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";

import { decodeGreyPng } from "../../static/js/reading/png.js";

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);

function chunk(name, body) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, Buffer.from(name), body, Buffer.alloc(4)]);
}

/** A grey PNG from already filtered lines, its data cut over two chunks. */
function png(width, height, bits, lines, { colour = 0, interlaced = 0 } = {}) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bits, colour, 0, 0, interlaced], 8);
  const data = deflateSync(Buffer.from(lines));
  const parts = [data.subarray(0, 3), data.subarray(3)].map((part) => chunk("IDAT", part));
  const file = Buffer.concat([SIGNATURE, chunk("IHDR", header), ...parts, chunk("IEND", Buffer.alloc(0))]);
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.length);
}

test("every filter is undone, as the PNG specification says", async () => {
  const lines = [
    [0, 10, 20, 30], // as it is
    [1, 5, 1, 1], // plus left: 5 6 7
    [2, 1, 1, 1], // plus above: 6 7 8
    [3, 1, 1, 1], // plus the mean of left and above: 4 6 8
    [4, 250, 2, 3], // plus Paeth: above, then left twice: 4+250, 254+2, 0+3
  ].flat();
  const { pixels, width, height, bits } = await decodeGreyPng(png(3, 5, 8, lines));
  assert.deepEqual([width, height, bits], [3, 5, 8]);
  assert.deepEqual([...pixels.subarray(0, 12)], [10, 20, 30, 5, 6, 7, 6, 7, 8, 4, 6, 8]);
  assert.deepEqual([...pixels.subarray(12)], [254, 0, 3]);
});

test("sixteen bits keep all sixteen, big end first", async () => {
  const lines = [0, 0x12, 0x34, 0xff, 0xff, 1, 0x00, 0x01, 0x01, 0x00];
  const { pixels } = await decodeGreyPng(png(2, 2, 16, lines));
  assert.ok(pixels instanceof Uint16Array);
  assert.deepEqual([...pixels], [0x1234, 0xffff, 0x0001, 0x0101]);
});

test("what is not a grey PNG is refused, and so is half of one", async () => {
  await assert.rejects(decodeGreyPng(new Uint8Array(64).buffer), /not a PNG/);
  await assert.rejects(decodeGreyPng(png(1, 1, 8, [0, 1, 2, 3], { colour: 2 })), /Only grey/);
  await assert.rejects(decodeGreyPng(png(1, 1, 8, [0, 1], { interlaced: 1 })), /Only grey/);
  await assert.rejects(decodeGreyPng(png(3, 3, 8, [0, 1, 2])), /cut short/);
  await assert.rejects(decodeGreyPng(png(1, 1, 8, [9, 1])), /unknown filter/);
});
