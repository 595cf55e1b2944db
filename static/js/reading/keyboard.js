/** What a rater's hands say: which key means what, and where. */

import { characterOf, digitOf } from "./keys.js";
import { STACK_KEYS } from "./stack.js";

const VIEW = {
  "+": "zoomIn",
  "-": "zoomOut",
  "=": "fit",
  a: "actual",
  i: "invert",
  h: "flipAcross",
  v: "flipDown",
  p: "preset",
  k: "mark",
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
const ALWAYS = new Set(["PageUp", "PageDown", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]);

/**
 * What a key press means, as {does, …}, or null.
 *
 * `letters` tells which label a letter gives; digits answer the question that is open, of which there is one at a time.
 * Of a `stack` some keys turn its slices.
 * `where` is "text" in a text field, "control" on a button or link, "choice" on a radio, a tick box or a slider, else "page".
 */
export function meaning(event, { where = "page", singleKeys = true, letters = {}, answers = 0, stack = false } = {}) {
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
  const does = (stack ? STACK_KEYS[key] : null) ?? VIEW[key] ?? ROOM[key];
  return does ? { does } : null;
}

function inText(event) {
  if (event.key === "Escape") return { does: "leave" };
  return event.key === "Enter" && !event.shiftKey ? { does: "save" } : null;
}

/** Where a key was pressed, as `meaning` wants to know it. */
export function whereIs(element) {
  if (!(element instanceof HTMLElement)) return "page";
  if (element.matches("textarea, input[type=text], input[type=number], input[type=email], input[type=password]")) return "text";
  if (element.matches("input[type=radio], input[type=checkbox], input[type=range]")) return "choice";
  return element.matches("button, a, input, select, summary") ? "control" : "page";
}
