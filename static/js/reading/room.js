/**
 * The reading room: one page load for a whole sitting. The next image is painted in the frame of the key
 * press, and the save runs behind it.
 */

import { meaning, whereIs } from "./keyboard.js";
import { showCaps } from "./keys.js";
import { Drafts } from "./drafts.js";
import { SaveStore, Outbox, ask, newKey, post, postSave, steadyNow } from "./outbox.js";
import { batchesAfter, unratedBy } from "./prefetch.js";
import { Presence } from "./presence.js";
import { Presentations } from "./presentations.js";
import { Panel, workViewer } from "./panel.js";
import { draftFields, fieldsOf } from "./second.js";
import { Images } from "./images.js";
import { ImageTools } from "./image_tools.js";
import { Viewer, afterPainting } from "./viewer.js";

class Room {
  #told;
  #root;
  #panel;
  #viewer;
  #images;
  #saveStore;
  #outbox;
  #drafts;
  #isOver = false;
  #presence;
  #presentations;
  #tools;
  #current = null;
  #shownAt = 0;
  #learned = false;
  #dialogs = null;

  constructor(root, told) {
    this.#told = told;
    this.#root = root;
    this.#presentations = new Presentations([told.showing, ...told.ahead]);
    this.#panel = new Panel(root);
    this.#viewer = new Viewer(root.querySelector("[data-stage]"), root.querySelectorAll("canvas"), told);
    this.#images = new Images({
      urlsOf: (token) => told.urls.images.map((url) => url.replace("TOKEN", token)),
      worker: new Worker(new URL("./png.js", import.meta.url), { type: "module" }),
    });
    this.#saveStore = new SaveStore(told.account);
    const drafts = new SaveStore(told.account, "drafts");
    this.#outbox = new Outbox({ saveStore: this.#saveStore, drafts, post: (save) => this.#post(save) });
    this.#presence = new Presence({ ...told, lock: (unlock) => this.#dialog((dialogs) => dialogs.lock(unlock)) });
    const now = () => this.#presence.clock.read().active_ms;
    this.#tools = new ImageTools({ root, viewer: this.#viewer, told, now, changed: () => this.#draft() });
    this.#drafts = new Drafts({
      store: drafts,
      post: (token, content) =>
        post(told.urls.draft.replace("TOKEN", token), draftFields(content, told.account)),
    });
    this.#listen();
  }

  async enter() {
    const { answer } = this.#told.showing;
    if (answer) {
      const presentation = this.#presentations.frontier;
      this.#presentations.remember(presentation, answer);
      this.#tools.remember(presentation, answer);
      this.#show(presentation, answer);
    }
    this.#images.hold(this.#presentations.tokens);
    await this.#drafts.open();
    const left = new Set((await this.#saveStore.all()).filter(({ refused }) => !refused).map(({ token }) => token));
    this.#presentations.keep(({ token }) => !left.has(token));
    if (!this.#current) this.#showFrontier();
    await this.#outbox.open();
    // A save of the page before may have arrived while this one was made.
    if (performance.getEntriesByType("navigation")[0]?.type !== "navigate") await this.#refill();
    else if (this.#told.ahead.length === this.#told.batch) await this.#askForMore(this.#told.ahead.at(-1).position);
  }

  #showFrontier() {
    if (this.#presentations.frontier) this.#show(this.#presentations.frontier);
    else this.#wait();
  }

  #show(presentation, answer = null) {
    this.#current = presentation;
    this.#learned = false;
    const { token, modality } = presentation;
    const begun = answer ? null : this.#drafts.of(presentation);
    if (begun?.marks) this.#tools.remember(presentation, begun);
    this.#viewer.modality = modality;
    const image = this.#images.ready(token);
    if (image) this.#viewer.show(image, token);
    else this.#showLate(presentation);
    this.#panel.fill(answer, begun);
    this.#viewer.describe(this.#panel.progress(presentation, this.#told));
    if (image) this.#panel.offerPresets(modality, image.bits);
    this.#presence.clock.start();
    this.#shownAt = steadyNow();
  }

  /** The image is still on its way: an empty stage, never the image before. */
  async #showLate(presentation) {
    this.#viewer.blank();
    try {
      const image = await this.#images.image(presentation.token);
      if (this.#current !== presentation) return;
      this.#viewer.show(image, presentation.token);
      this.#panel.unsay("late");
      this.#panel.offerPresets(presentation.modality, image.bits);
      this.#presence.clock.start();
      this.#shownAt = steadyNow();
    } catch (error) {
      if (this.#current !== presentation) return;
      if (error.lost) return this.#passOver(presentation);
      this.#panel.say(this.#panel.word("noImage"), "late");
      this.#refill(); // it may be gone because the session is
      setTimeout(() => this.#current === presentation && this.#showLate(presentation), 3000);
    }
  }

  /** Its file is lost on the server: say so and go on; it can be rated once the file is back. */
  #passOver(presentation) {
    this.#presentations.passOver(presentation);
    this.#showFrontier();
    this.#panel.say(this.#panel.word("lostImage"));
  }

  /** Nothing is held any more: all is read, or the network is away. */
  #wait() {
    if (this.#isOver) return;
    this.#current = null;
    this.#viewer.blank();
    this.#panel.fill();
    if (this.#outbox.unsaved) this.#panel.say(this.#panel.word("noneHeld"));
    else this.#refill();
  }

  #save() {
    if (this.#isOver) return this.#dialog((dialogs) => dialogs.over());
    if (this.#learned) return this.#goOn();
    const answer = this.#panel.answer();
    const missing = this.#panel.missing(answer);
    if (missing) return this.#panel.say(missing, "choose");
    const presentation = this.#current;
    if (!presentation && this.#outbox.unsaved) return this.#panel.say(this.#panel.word("noneHeld"));
    if (!presentation || !this.#viewer.image) return this.#panel.say(this.#panel.word("noImage"), "late");
    const before = this.#presentations.answerAt(presentation.position);
    if (before && this.#panel.correctionReason && !answer.correction_reason) {
      this.#panel.correctionReason.focus();
      return this.#panel.say(this.#panel.word("sayWhy"));
    }
    const save = {
      key: newKey(),
      study: this.#told.study,
      token: presentation.token,
      position: presentation.position,
      url: this.#told.urls.rate.replace("TOKEN", presentation.token),
      check: this.#told.urls.ahead,
      shownAt: this.#shownAt,
      fields: {
        ...fieldsOf(answer),
        replaces: before?.key ?? "",
        ...this.#presence.clock.read(),
        view_state: JSON.stringify({ ...this.#viewer.used(), ...this.#tools.used() }),
      },
    };
    this.#presentations.rate(presentation, answer, save.key);
    this.#drafts.drop(presentation.token);
    this.#panel.say("");
    if (!presentation.practice) this.#showFrontier();
    document.activeElement?.blur();
    this.#outbox.keep(save);
    afterPainting(() => {
      this.#outbox.send();
      this.#images.hold(this.#presentations.atHand);
      const minutes = this.#presence.minutesWithoutBreak();
      if (minutes) this.#panel.say(this.#panel.word("rest", minutes));
    });
    return undefined;
  }

  /** After a practice image: say what it was, and wait for the rater to go on. */
  #learn(save, feedback) {
    if (this.#current?.token !== save.token) return;
    this.#learned = true;
    this.#panel.say(`${feedback} ${this.#panel.word("goOn")}`, "practice");
  }

  #goOn() {
    this.#learned = false;
    this.#panel.say("");
    this.#showFrontier();
  }

  #post(save) {
    return postSave(save, this.#told.account, {
      showing: this.#current?.token ?? "",
      after: this.#presentations.end ?? save.position,
    });
  }

  /** What the form says of an image without an answer is kept, so that a reload or a pause costs nothing. */
  #draft() {
    const presentation = this.#current;
    if (!presentation || this.#learned || this.#presentations.answerAt(presentation.position)) return;
    this.#drafts.write(presentation.token, { ...this.#panel.content(), ...this.#tools.begun() });
  }

  /** The reading ended elsewhere: say so at once, and what becomes of answers that had not arrived. */
  #end({ error, departure }) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#presentations.keep(() => false);
    this.#current = null;
    this.#viewer.blank();
    this.#panel.fill();
    this.#panel.say(error);
    this.#dialog((dialogs) => dialogs.over({ sentence: error, departure }));
  }

  #takeMore(ahead) {
    if (this.#isOver) return;
    if (!this.#presentations.take(ahead, this.#outbox.waiting)) return;
    this.#images.hold(this.#presentations.atHand);
    if (!this.#current) {
      this.#panel.say("");
      this.#showFrontier();
    }
  }

  /** Ask the server who is signed in and what is still to be rated. */
  async #refill() {
    const { status, body } = await ask(this.#told.urls.ahead).catch(() => ({ status: 0 }));
    if (status === 401 || (status === 200 && body.account !== this.#told.account)) return this.#signIn(status);
    if (status === 410) return this.#end(body);
    if (status !== 200) return setTimeout(() => !this.#current && this.#refill(), 3000);
    const isUnrated = unratedBy(body.ahead, this.#told.batch);
    this.#presentations.keep(isUnrated);
    this.#takeMore(body.ahead);
    if (body.ahead.length === this.#told.batch) await this.#askForMore(body.ahead.at(-1).position);
    const elsewhere = this.#current && !this.#presentations.answerAt(this.#current.position) && !isUnrated(this.#current);
    if (elsewhere) this.#showFrontier();
    if (this.#presentations.frontier || this.#outbox.unsaved || this.#current) return undefined;
    if (body.ahead.some(({ token }) => this.#presentations.isLost(token))) this.#panel.say(this.#panel.word("lostImage"));
    else location.assign(this.#told.urls.read);
    return undefined;
  }

  /** The server names a batch at a time; this brings the others that may be held. */
  async #askForMore(after) {
    const { urls, batch, account } = this.#told;
    for await (const ahead of batchesAfter(after, { url: urls.ahead, batch, account })) this.#takeMore(ahead);
  }

  /** Back to an answer given before, as far as the study allows. */
  async #back() {
    const rule = this.#told.goingBack;
    const from = this.#current?.position ?? this.#told.total + 1;
    const mayGo = rule === "any" || (rule === "last" && this.#current === this.#presentations.frontier);
    if (!mayGo || from <= 1) return this.#panel.say(this.#panel.word(from <= 1 ? "first" : "noBack"));
    const known = this.#presentations.answerAt(from - 1);
    if (known) return this.#show(known.presentation, known.answer);
    const url = this.#told.urls.at.replace("/0/", `/${from - 1}/`);
    const { status, body } = await ask(url).catch(() => ({ status: 0 }));
    if (status !== 200 || !body.answer) return this.#panel.say(this.#panel.word("noBack"));
    const { answer, ...presentation } = body;
    this.#presentations.remember(presentation, answer);
    this.#tools.remember(presentation, answer);
    return this.#show(presentation, answer);
  }

  #forth() {
    const next = this.#presentations.answerAt((this.#current?.position ?? 0) + 1);
    if (next) this.#show(next.presentation, next.answer);
    else if (this.#current !== this.#presentations.frontier) this.#showFrontier();
  }

  #act(does, value) {
    if (this.#tools.act(does) || workViewer(this.#viewer, does)) return undefined;
    const acts = {
      save: () => this.#save(),
      undo: () => this.#back(),
      back: () => this.#back(),
      forth: () => this.#forth(),
      leave: () => document.activeElement.blur(),
      remark: () => this.#panel.form.elements.remark.focus(),
      anew: () => [this.#panel.anew(), this.#draft()],
      answer: () => this.#chosen(this.#panel.answerOpen(value).name),
      label: () => this.#label(value),
      help: () => this.#dialog((dialogs) => dialogs.help()),
      instructions: () => this.#dialog((dialogs) => dialogs.instructions()),
    };
    return acts[does]?.();
  }

  #label(value) {
    this.#panel.choose("label", value);
    this.#chosen("label");
  }

  /** Whoever wants to go on by the answer alone does so once the last of the questions has one. */
  #chosen(name) {
    this.#panel.unsay("choose");
    this.#draft();
    if (this.#root.dataset.advance === "true" && name === this.#panel.last) this.#save();
  }

  #listen() {
    this.#panel.tools(this.#viewer, (does) => this.#act(does));
    this.#panel.listen({ save: () => this.#save(), draft: () => this.#draft() });
    this.#drafts.listen();
    showCaps(this.#root);
    document.addEventListener("keydown", (event) => this.#key(event));
    this.#outbox.listen(this.#root.querySelector("form[data-leave]"));
    addEventListener("focus", () => this.#outbox.held && this.#checkSession());
    addEventListener("pageshow", (event) => event.persisted && location.reload());
    this.#listenToOutbox();
  }

  #listenToOutbox() {
    const outbox = this.#outbox;
    outbox.addEventListener("change", () => {
      this.#panel.saved(outbox.unsaved, outbox.struggling, outbox.refused.length);
      this.#dialogs?.left(outbox.refused.length);
      if (outbox.struggling && !outbox.held) this.#panel.say(this.#whatIsLeft(), "offline");
      else if (!outbox.struggling) this.#panel.unsay("offline");
    });
    outbox.addEventListener("saved", ({ detail }) => {
      if (detail.body.feedback) this.#learn(detail.save, detail.body.feedback);
      this.#takeMore(detail.body.ahead ?? []);
      if (!this.#current && !outbox.unsaved) this.#refill();
    });
    outbox.addEventListener("taken", ({ detail }) => {
      this.#panel.say(detail.body.error);
      this.#refill();
    });
    outbox.addEventListener("refused", ({ detail }) => {
      this.#panel.say(detail.body?.error ?? this.#panel.word("refused"));
      if (!this.#current && !outbox.unsaved) this.#refill();
    });
    outbox.addEventListener("over", ({ detail }) => this.#end(detail.body));
    outbox.addEventListener("signedOut", () => this.#signIn(401));
    outbox.addEventListener("otherAccount", () => this.#signIn(200));
  }

  #whatIsLeft() {
    const ready = this.#images.count(this.#presentations.tokens);
    return ready ? this.#panel.word("offline", ready) : this.#panel.word("noneHeld");
  }

  #key(event) {
    if (document.querySelector("dialog[open]")) return;
    if (whereIs(event.target) !== "text" && this.#tools.key(event)) return event.preventDefault();
    const singleKeys = this.#root.dataset.singleKeys === "true";
    const does = meaning(event, {
      where: whereIs(event.target),
      singleKeys,
      letters: this.#panel.letters,
      answers: this.#panel.answers,
      stack: this.#tools.hasStack,
    });
    if (!does) return;
    event.preventDefault();
    if (event.repeat && ["save", "label", "answer", "undo", "help", "instructions"].includes(does.does)) return;
    this.#act(does.does, does.value);
  }

  async #checkSession() {
    const { status, body } = await ask(this.#told.urls.ahead).catch(() => ({ status: 0 }));
    if (status !== 200 || body.account !== this.#told.account) return status;
    this.#outbox.resume();
    this.#images.hold(this.#presentations.atHand);
    this.#dialogs?.signedIn();
    return status;
  }

  #signIn(status) {
    this.#dialog((dialogs) =>
      dialogs.signIn({ another: status === 200, check: () => this.#checkSession() }),
    );
  }

  async #dialog(use) {
    this.#dialogs ??= new (await import("./dialogs.js")).Dialogs(this.#outbox);
    use(this.#dialogs);
  }
}

const root = document.querySelector("[data-room]");
const room = new Room(root, JSON.parse(document.getElementById("room").textContent));
room.enter();
