/** Answers begun and not saved yet: kept in this browser at once, and on the server soon after, for another computer. */

const SOON_MS = 150;
const CALM_MS = 1500;

export class Drafts {
  #store;
  #post;
  #local = new Map();
  #written = null;
  #timers = [];

  /** `store` keeps drafts by their key, the presentation's token; `post(token, content)` sends one. */
  constructor({ store, post }) {
    this.#store = store;
    this.#post = post;
  }

  async open() {
    for (const draft of await this.#store.all()) this.#local.set(draft.key, draft);
  }

  /** What was begun of this presentation: here if the server has not heard of it, else what the server holds. */
  of({ token, draft = null }) {
    const local = this.#local.get(token);
    return local && !local.sent ? local.content : (draft ?? local?.content ?? null);
  }

  /** The form has changed; what it says now is kept as soon as the hand rests. */
  write(token, content) {
    this.#clear();
    this.#written = { key: token, content, sent: false, at: Date.now() };
    this.#local.set(token, this.#written);
    this.#timers = [setTimeout(() => this.#keep(), SOON_MS), setTimeout(() => this.flush(), CALM_MS)];
  }

  /** Send what is not sent yet, as when the page goes away. */
  async flush() {
    const draft = this.#written;
    if (!draft) return;
    this.#clear();
    // First of all, as the page may be going away.
    const sending = this.#post(draft.key, draft.content).catch(() => ({ status: 0 }));
    await this.#keep(draft);
    const { status } = await sending;
    if (status !== 200 || this.#local.get(draft.key) !== draft) return;
    draft.sent = true;
    await this.#keep(draft);
  }

  /** The answer is saved: its draft is no more. */
  drop(token) {
    this.#clear();
    this.#local.delete(token);
    return this.#store.remove(token);
  }

  /** The page may go away, or be hidden for good. */
  listen() {
    addEventListener("pagehide", () => this.flush());
    document.addEventListener("visibilitychange", () => document.hidden && this.flush());
  }

  #keep(draft = this.#written) {
    return draft && this.#store.put(draft);
  }

  #clear() {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#written = null;
  }
}
