/** What a rater's hands say: which key means what, and whether somebody is still there. */

import { characterOf, digitOf } from "./keys.js";

const VIEW = {
  "+": "zoomIn",
  "-": "zoomOut",
  "=": "fit",
  a: "actual",
  i: "invert",
  h: "flipAcross",
  v: "flipDown",
  p: "preset",
  " ": "reset",
  "[": "narrower",
  "]": "wider",
  ",": "darker",
  ".": "brighter",
  ArrowLeft: "panLeft",
  ArrowRight: "panRight",
  ArrowUp: "panUp",
  ArrowDown: "panDown",
};
const ROOM = { "?": "help", m: "remark", n: "instructions", z: "undo", Backspace: "undo", PageUp: "back", PageDown: "forth" };
// Keys that name no character are no "character key shortcuts" (WCAG 2.1.4) and stay on.
const ALWAYS = new Set(["PageUp", "PageDown", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]);

/**
 * What a key press means, as {does, …}, or null.
 *
 * `letters` tells which label a letter gives; digits answer the question that is open, of which there is one at a time.
 * `where` is "text" in a text field, "control" on a button or link, "choice" on a radio, a tick box or a slider, else "page".
 */
export function meaning(event, { where = "page", singleKeys = true, letters = {}, answers = 0 } = {}) {
  if (event.isComposing || event.altKey) return null;
  const key = characterOf(event);
  if (event.ctrlKey || event.metaKey) return where !== "text" && key === "z" ? { does: "undo" } : null;
  if (where === "text") return inText(event);
  if (key === "Enter") return where === "control" ? null : { does: "save" };
  if (where !== "page" && (key === " " || key.startsWith("Arrow"))) return null;
  if (!singleKeys && !ALWAYS.has(key)) return null;
  const digit = digitOf(event);
  if (digit === "0") return { does: "anew" };
  if (digit && Number(digit) <= answers) return { does: "answer", value: Number(digit) };
  if (Object.hasOwn(letters, key)) return { does: "label", value: letters[key] };
  const does = VIEW[key] ?? ROOM[key];
  return does ? { does } : null;
}

function inText(event) {
  if (event.key === "Escape") return { does: "leave" };
  return event.key === "Enter" && !event.shiftKey ? { does: "save" } : null;
}

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
