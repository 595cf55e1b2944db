/** Whether somebody is there: the time they looked, the lock of a page left alone, and the reminder of a break. */

// A rater may look at an image for a minute without touching anything.
export const STILL_LOOKING_MS = 60_000;

/** Tells the time a rater looked from the time they were away, in milliseconds of a steady clock. */
export class Clock {
  #now;
  #since;
  #lastInput;
  #away = false;
  #active = 0;
  #idle = 0;

  constructor(now = () => performance.now()) {
    this.#now = now;
    this.start();
  }

  /** Begin with a new image. */
  start() {
    this.#since = this.#lastInput = this.#now();
    this.#active = this.#idle = 0;
  }

  /** A key, a pointer or a wheel moved. */
  input() {
    this.#count();
    this.#lastInput = this.#since;
  }

  /** The page was hidden or lost the focus (true), or came back (false). */
  away(isAway) {
    this.#count();
    this.#away = isAway;
    if (!isAway) this.#lastInput = this.#since;
  }

  read() {
    this.#count();
    return { active_ms: Math.round(this.#active), idle_ms: Math.round(this.#idle) };
  }

  /** Milliseconds since the last sign of life. */
  still() {
    return this.#now() - this.#lastInput;
  }

  #count() {
    const now = this.#now();
    const lookedUntil = this.#away ? this.#since : Math.min(now, this.#lastInput + STILL_LOOKING_MS);
    const looked = Math.max(0, lookedUntil - this.#since);
    this.#active += looked;
    this.#idle += now - this.#since - looked;
    this.#since = now;
  }
}

const LOOK_FOR_LIFE_MS = 5000;

/** Watches over one page load. `lock` is called, with what ends the lock, once nobody has been there for `lockAfter` seconds. */
export class Presence {
  clock = new Clock();
  #breakAfter;
  #began = performance.now();

  constructor({ lockAfter, breakAfter, lock }) {
    this.#breakAfter = breakAfter;
    for (const sign of ["keydown", "pointerdown", "pointermove", "wheel"]) {
      document.addEventListener(sign, () => this.clock.input(), { passive: true, capture: true });
    }
    const away = () => this.clock.away(document.hidden || !document.hasFocus());
    for (const change of ["blur", "focus"]) addEventListener(change, away);
    document.addEventListener("visibilitychange", away);
    setInterval(() => {
      if (this.clock.still() < lockAfter * 1000) return;
      this.clock.away(true);
      lock(() => this.clock.away(false));
    }, LOOK_FOR_LIFE_MS);
  }

  /** The minutes read without a break, once they are so many that a rater should rest; else 0. */
  minutesWithoutBreak() {
    const minutes = (performance.now() - this.#began) / 60_000;
    if (!this.#breakAfter || minutes < this.#breakAfter) return 0;
    this.#began = performance.now();
    return Math.round(minutes);
  }
}
