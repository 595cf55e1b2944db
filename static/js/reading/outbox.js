/**
 * How saves reach the server. Those it has not echoed yet are kept in the browser's database, bound to one account,
 * sent in order, one at a time, again and again until their key comes back.
 */

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;
const PATIENCE_MS = 20_000;

/** How long to wait after so many failures in a row; half of it by chance, so that raters do not come all at once. */
export function pauseAfter(failures, random = Math.random()) {
  return Math.min(FIRST_PAUSE * 2 ** (failures - 1), LONGEST_PAUSE) * (0.5 + random / 2);
}

/** What an answer of the server means: saved, taken, signedOut, otherAccount, over, refused or again. */
export function verdict(status, body, key) {
  if (status === 200 && body?.saved === key) return "saved";
  if (status === 409) return "taken";
  if (status === 401) return "signedOut";
  if (status === 403 && body?.error === "other account") return "otherAccount";
  if (status === 410) return "over";
  if ([400, 404, 422].includes(status)) return "refused";
  return "again";
}

/** What one account has said, under a key each, in IndexedDB; where that is not to be had, in memory. */
export class SaveStore {
  #database;
  #account;
  #shelf;
  #memory = new Map();

  /** `shelf` is "saves", of whole answers, or "drafts", of answers begun. Of no account, "", all stays in memory. */
  constructor(account, shelf = "saves") {
    this.#account = account;
    this.#shelf = shelf;
    this.#database = account ? opened("lungrater").catch(() => null) : null;
  }

  async put(save) {
    this.#memory.set(save.key, save);
    await this.#do("readwrite", (store) => store.put({ ...save, account: this.#account }));
  }

  async remove(key) {
    this.#memory.delete(key);
    await this.#do("readwrite", (store) => store.delete(key));
  }

  /** This account's saves, oldest first. */
  async all() {
    const stored = (await this.#do("readonly", (store) => store.getAll())) ?? [];
    const mine = new Map(stored.filter((save) => save.account === this.#account).map((save) => [save.key, save]));
    for (const [key, save] of this.#memory) if (!mine.has(key)) mine.set(key, save);
    return [...mine.values()].sort((a, b) => a.at - b.at);
  }

  async #do(mode, act) {
    const database = await this.#database;
    if (!database) return undefined;
    return new Promise((resolve) => {
      const transaction = database.transaction(this.#shelf, mode, { durability: "strict" });
      const request = act(transaction.objectStore(this.#shelf));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = transaction.onerror = () => resolve(undefined);
    });
  }
}

function opened(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 2);
    request.onupgradeneeded = () => {
      const { result: database } = request;
      for (const shelf of ["saves", "drafts"]) {
        if (!database.objectStoreNames.contains(shelf)) database.createObjectStore(shelf, { keyPath: "key" });
      }
    };
    request.onsuccess = () => {
      const { result: database } = request;
      database.onversionchange = () => database.close();
      resolve(database);
    };
    request.onerror = request.onblocked = () => reject(request.error);
  });
}

/**
 * Sends what lies in the save store. Events: `change`; `saved`, `taken`, `refused`, `over`, `signedOut`, `otherAccount`
 * with {save, body} as their detail.
 */
export class Outbox extends EventTarget {
  #saveStore;
  #drafts;
  #post;
  #pending = new Map();
  #failures = 0;
  #sending = null;
  #timer = null;
  #pause;
  held = null;

  /**
   * `post(save)` resolves to {status, body} or rejects when there is no network; `drafts` is the store of answers begun,
   * which go when their person goes.
   */
  constructor({ saveStore, post, drafts = null, pause = pauseAfter }) {
    super();
    this.#saveStore = saveStore;
    this.#drafts = drafts;
    this.#post = post;
    this.#pause = pause;
  }

  /** How many saves are on their way: not echoed by the server, nor refused. */
  get unsaved() {
    return this.waiting.length;
  }

  /** The saves on their way, oldest first. */
  get waiting() {
    return [...this.#pending.values()].filter(({ refused }) => !refused);
  }

  /** The saves that the server will not take, kept for their rater to see. */
  get refused() {
    return [...this.#pending.values()].filter(({ refused }) => refused);
  }

  /** True while the last try to send has failed. */
  get struggling() {
    return this.#failures > 0 || this.held !== null;
  }

  /** Take up what an earlier page, or a crash, has left behind. */
  async open() {
    for (const save of await this.#saveStore.all()) this.#pending.set(save.key, save);
    this.#changed();
    return this.send();
  }

  /** Keep a save, behind all others; `send` sends it. */
  keep(save) {
    const kept = { ...save, at: Math.max(Date.now(), ...this.waiting.map(({ at }) => at + 1)) };
    this.#pending.set(save.key, kept);
    for (const { key, token } of this.refused) if (token === save.token && token) this.forget(key);
    this.#changed();
    return this.#saveStore.put(kept);
  }

  /** Send what waits; harmless at any time. */
  send() {
    clearTimeout(this.#timer);
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = null));
    return this.#sending;
  }

  /** Go on after a stop for a lost session. */
  resume() {
    this.held = null;
    this.#failures = 0;
    return this.send();
  }

  /** Drop what the server will not take. */
  async forgetRefused() {
    for (const { key } of this.refused) await this.forget(key);
  }

  async forget(key) {
    this.#pending.delete(key);
    await this.#saveStore.remove(key);
    this.#changed();
  }

  /** Sign out: send what waits, ask before losing what cannot be sent or the only way in, and leave nothing behind. */
  async signOut(form) {
    await this.send();
    const left = [...this.#pending.keys()];
    const { lose, noWayBack } = form.dataset;
    const warnings = [left.length && lose.replace("%s", left.length), noWayBack].filter(Boolean);
    if (warnings.length && !confirm(warnings.join(" "))) return;
    for (const key of left) await this.forget(key);
    for (const { key } of (await this.#drafts?.all()) ?? []) await this.#drafts.remove(key);
    form.submit();
  }

  /** The form that signs out, the network that comes back, and the page that may go with something unsaved. */
  listen(leave) {
    leave.addEventListener("submit", (event) => {
      event.preventDefault();
      this.signOut(leave);
    });
    addEventListener("online", () => this.send());
    addEventListener("beforeunload", (event) => this.unsaved && event.preventDefault());
  }

  async #sendAll() {
    while (this.held === null) {
      const [save] = this.waiting;
      if (!save) return;
      const { status, body } = await this.#post(save).catch(() => ({ status: 0, body: null }));
      const means = verdict(status, body, save.key);
      if (means === "again") {
        this.#failures += 1;
        this.#timer = setTimeout(() => this.send(), this.#pause(this.#failures));
        this.#changed();
        return;
      }
      this.#failures = 0;
      if (means === "saved" || means === "taken") await this.forget(save.key);
      if (means === "refused" || means === "over") await this.#refuse(save);
      if (means === "signedOut" || means === "otherAccount") this.held = means;
      this.#changed();
      this.dispatchEvent(new CustomEvent(means, { detail: { save, body } }));
    }
  }

  /** Keep what the server will not take, but do not send it again by itself. */
  async #refuse(save) {
    const kept = { ...save, refused: true };
    this.#pending.set(save.key, kept);
    await this.#saveStore.put(kept);
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Send one save. Where the page's token is out of date, ask for a new one and who is signed in, then try again. */
export async function postSave(save, account, more = {}) {
  const send = () =>
    post(save.url, {
      ...save.fields,
      client_key: save.key,
      account,
      shown_ms_ago: Math.max(0, Math.round(steadyNow() - save.shownAt)),
      ...more,
    });
  const sent = await send();
  if (sent.status !== 403 || sent.body) return sent;
  const asked = await ask(save.check);
  if (asked.status === 200 && asked.body.account !== account) return { status: 403, body: { error: "other account" } };
  return asked.status === 200 ? send() : asked;
}

/** What the server says to a question: JSON with the account's cookies, never following a redirect. */
export async function ask(url, options = {}) {
  const response = await fetch(url, {
    redirect: "manual",
    credentials: "same-origin",
    signal: AbortSignal.timeout(PATIENCE_MS),
    ...options,
    headers: { Accept: "application/json", ...options.headers },
  });
  const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
  return { status: response.status, body: isJson ? await response.json() : null };
}

/** Lists become repeated fields, as forms send them. */
export function post(url, fields, options = {}) {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) for (const one of [value].flat()) body.append(name, one);
  const headers = { "X-CSRFToken": cookie("__Host-csrftoken") || cookie("csrftoken"), ...options.headers };
  return ask(url, { method: "POST", body, keepalive: true, ...options, headers });
}

function cookie(name) {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}

/** A random UUID, also where the page came without TLS and `randomUUID` is missing. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Milliseconds that survive a reload and do not jump while the page lives. */
export function steadyNow() {
  return performance.timeOrigin + performance.now();
}
