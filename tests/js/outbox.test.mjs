import assert from "node:assert/strict";
import { test } from "node:test";

import { Outbox, pauseAfter, verdict } from "../../static/js/reading/outbox.js";

class PaperSaveStore {
  kept = new Map();
  async put(save) {
    this.kept.set(save.key, save);
  }
  async remove(key) {
    this.kept.delete(key);
  }
  async all() {
    return [...this.kept.values()].sort((a, b) => a.at - b.at);
  }
}

const echo = async ({ key }) => ({ status: 200, body: { saved: key } });
const save = (key, at = 0) => ({ key, at });

function outbox(post, saveStore = new PaperSaveStore()) {
  return { saveStore, box: new Outbox({ saveStore, post, pause: () => 1 }) };
}

const once = (target, name) =>
  new Promise((resolve) => target.addEventListener(name, (event) => resolve(event.detail), { once: true }));

test("a save leaves the save store only when its own key comes back", async () => {
  const answers = [{ status: 200, body: { saved: "another" } }, { status: 200, body: { saved: "a" } }];
  const seen = [];
  const { box, saveStore } = outbox(async () => {
    seen.push(saveStore.kept.has("a"));
    return answers.shift();
  });
  box.keep(save("a"));
  box.send();
  await once(box, "saved");
  assert.deepEqual(seen, [true, true]);
  assert.equal(box.unsaved, 0);
  assert.equal(saveStore.kept.size, 0);
});

test("saves go out in order, one at a time, through a network that fails", async () => {
  const sent = [];
  let calls = 0;
  let under = 0;
  const { box } = outbox(async ({ key }) => {
    assert.equal(++under, 1);
    await null;
    under -= 1;
    if (++calls % 2) throw new TypeError("no network");
    sent.push(key);
    return { status: 200, body: { saved: key } };
  });
  const last = new Promise((resolve) =>
    box.addEventListener("saved", ({ detail }) => detail.save.key === "c" && resolve()),
  );
  for (const key of ["a", "b", "c"]) box.keep(save(key));
  box.send();
  await last;
  assert.deepEqual(sent, ["a", "b", "c"]);
});

test("a lost session stops the sending until someone is signed in again", async () => {
  let signedIn = false;
  const { box } = outbox(async ({ key }) => (signedIn ? echo({ key }) : { status: 401, body: {} }));
  box.keep(save("a"));
  box.send();
  await once(box, "signedOut");
  await box.send();
  assert.equal(box.unsaved, 1);
  signedIn = true;
  await box.resume();
  assert.equal(box.unsaved, 0);
});

test("another account's page is never taken for a success", async () => {
  const { box } = outbox(async () => ({ status: 403, body: { error: "other account" } }));
  box.keep(save("a"));
  box.send();
  await once(box, "otherAccount");
  assert.equal(box.unsaved, 1);
  assert.equal(box.held, "otherAccount");
});

test("what the server refuses is kept, and the rest goes on", async () => {
  const { box, saveStore } = outbox(async ({ key }) => (key === "a" ? { status: 404, body: null } : echo({ key })));
  box.keep(save("a"));
  box.keep(save("b"));
  box.send();
  await once(box, "saved");
  assert.deepEqual([...saveStore.kept.keys()], ["a"]);
  assert.equal(saveStore.kept.get("a").refused, true);
});

test("a study that closed under way, or a form it cannot take, leaves the save in the save store; only 409 forgets it", async () => {
  for (const [status, left] of [[409, 0], [410, 1], [422, 1]]) {
    const { box, saveStore } = outbox(async () => ({ status, body: { error: "in words" } }));
    box.keep(save("a"));
    await box.send();
    assert.equal(saveStore.kept.size, left, `${status}`);
  }
});

test("saves keep their order though the clock stands still or is set back", async () => {
  const { box } = outbox(echo);
  for (const key of ["a", "b", "c"]) box.keep(save(key));
  const [a, b, c] = box.waiting;
  assert.ok(a.at < b.at && b.at < c.at);
});

test("what a crashed page left behind is taken up, oldest first", async () => {
  const saveStore = new PaperSaveStore();
  await saveStore.put(save("late", 2));
  await saveStore.put(save("early", 1));
  const sent = [];
  const { box } = outbox(async ({ key }) => {
    sent.push(key);
    return echo({ key });
  }, saveStore);
  await box.open();
  assert.deepEqual(sent, ["early", "late"]);
});

test("a redirect to a login page that answers 200 is no success", () => {
  assert.equal(verdict(200, null, "a"), "again");
  assert.equal(verdict(200, { saved: "b" }, "a"), "again");
  assert.equal(verdict(503, null, "a"), "again");
  assert.equal(verdict(403, null, "a"), "again");
});

test("pauses grow and stay within half a minute", () => {
  const pauses = [1, 2, 3, 10].map((failures) => pauseAfter(failures, 1));
  assert.deepEqual(pauses, [500, 1000, 2000, 30_000]);
  assert.equal(pauseAfter(1, 0), 250);
});

test("whoever could not come back is asked once before signing out, and stays signed in by saying no", async () => {
  const { box } = outbox(echo);
  const asked = [];
  let left = 0;
  const form = { dataset: { lose: "%s not saved.", noWayBack: "No way back." }, submit: () => left++ };
  for (const answer of [false, true]) {
    globalThis.confirm = (question) => {
      asked.push(question);
      return answer;
    };
    await box.signOut(form);
  }
  delete globalThis.confirm;
  assert.deepEqual(asked, ["No way back.", "No way back."]);
  assert.equal(left, 1);
});
