import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

import { Shipment, shipmentsOf } from "../../static/js/pool/packs.js";
import { timeInWords, sizeInWords } from "../../static/js/pool/sending_list.js";
import { headerOf, paxRecord } from "../../static/js/pool/tar.js";

const file = (text, size) => Object.assign(new Blob([text]), size === undefined ? {} : { size });
const entry = (path, size = 10) => ({ path, file: { size, lastModified: 1 } });

test("tar itself reads a pack: names of any length and script, and the bytes", async () => {
  const names = ["a.png", `${"x".repeat(120)}/ü.png`, "пневмония/1.png", "z".repeat(100)];
  const pack = new Shipment(
    names.map((path, number) => ({ path, file: file(`bytes ${number}`.repeat(100 * number)) })),
    true,
  );
  const bytes = Buffer.from(await pack.blob.arrayBuffer());

  const listed = spawnSync("tar", ["--list", "--quoting-style=literal", "--file=-"], { input: bytes });
  const third = spawnSync("tar", ["--extract", "--to-stdout", "--file=-", "пневмония/1.png"], { input: bytes });

  assert.deepEqual(String(listed.stdout).trim().split("\n"), names, String(listed.stderr));
  assert.equal(String(third.stdout), "bytes 2".repeat(200));
  assert.equal(bytes.length, pack.length);
});

test("the length of a record counts itself, over a change of its digits too", () => {
  for (const value of ["", "x".repeat(88), "x".repeat(89), "x".repeat(90), "ü".repeat(500)]) {
    const record = paxRecord("path", value);

    assert.equal(Buffer.byteLength(record), Number(record.split(" ")[0]));
  }
});

test("what eight gigabytes hold no more is said in a record", () => {
  assert.ok(Buffer.from(headerOf("a", 2 ** 33)).includes(`size=${2 ** 33}\n`));
});

test("ten thousand small files are twenty packs, in the order of their paths", () => {
  const entries = Array.from({ length: 10_000 }, (_, number) => entry(`s/${String(number).padStart(5, "0")}.png`));

  const shipments = shipmentsOf(entries.toReversed());

  assert.equal(shipments.length, 20);
  assert.deepEqual(
    shipments.flatMap((shipment) => shipment.entries.map(({ path }) => path)),
    entries.map(({ path }) => path),
  );
});

test("archives and files that may be some travel alone, what lies in a folder never does", () => {
  const entries = [entry("a.zip"), entry("b/c.zip"), entry("IM0001"), entry("d.png"), entry("d.png"), entry("b/IM2")];

  const shipments = shipmentsOf(entries).map((shipment) => [shipment.isPack, shipment.entries.map(({ path }) => path)]);

  assert.deepEqual(shipments, [
    [false, ["IM0001"]],
    [false, ["a.zip"]],
    [true, ["b/IM2", "b/c.zip", "d.png"]],
  ]);
});

test("a file is complete with its last byte and not before", () => {
  const pack = new Shipment([entry("a", 1), entry("b", 0), entry("c", 600)], true);

  assert.deepEqual([0, 1023, 1024, 1536, 3071, 3072].map((bytes) => pack.filesWithin(bytes)), [0, 0, 1, 2, 2, 3]);
});

test("the same files have the same mark, and others another", async () => {
  const marks = await Promise.all([[entry("a")], [entry("a")], [entry("a", 11)]].map((of) => new Shipment(of, true).fingerprint));

  assert.equal(marks[0], marks[1]);
  assert.notEqual(marks[0], marks[2]);
  assert.match(marks[0], /^[0-9a-f]{64}$/);
});

test("sizes and times in words", () => {
  assert.deepEqual([1, 1536, 20 * 2 ** 20].map(sizeInWords), ["1 byte", "1.5 kB", "20 MB"]);
  assert.deepEqual([3, 60, 61, 7200].map(timeInWords), ["less than a minute", "1 minute", "2 minutes", "2 hours"]);
});
