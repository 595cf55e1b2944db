/**
 * Which key of a keyboard was pressed, by what it types and by where it lies. In Arabic, Czech or on AZERTY the keys of
 * the digit row type other characters than 1 to 9, and letters others than r and f; the hand means the same keys.
 */

// Where Unicode's other digit rows begin: Arabic-Indic, Persian, Devanagari, full width.
const DIGIT_ROWS = [0x30, 0x660, 0x6f0, 0x966, 0xff10];
const PUNCTUATION = {
  BracketLeft: "[",
  BracketRight: "]",
  Comma: ",",
  Period: ".",
  Minus: "-",
  Equal: "=",
  NumpadAdd: "+",
  NumpadSubtract: "-",
};
const SHIFTED = { Equal: "+", Slash: "?" };

/** The digit a key stands for, as "0" to "9", or null: what it types comes first, then its place in the digit row. */
export function digitOf({ key, code = "", shiftKey = false }) {
  if (key.length === 1) {
    const point = key.codePointAt(0);
    const zero = DIGIT_ROWS.find((first) => point >= first && point < first + 10);
    if (zero !== undefined) return String(point - zero);
  }
  return (!shiftKey && /^Digit(\d)$/.exec(code)?.[1]) || null;
}

/** The character a shortcut goes by: the one typed where it is of the Latin alphabet, else the one of its place. */
export function characterOf({ key, code = "", shiftKey = false }) {
  if (key.length > 1 && key !== "Dead") return key;
  if (/^[\x20-\x7e]$/.test(key)) return key.toLowerCase();
  const letter = /^Key([A-Z])$/.exec(code)?.[1];
  return letter?.toLowerCase() ?? (shiftKey ? SHIFTED[code] : PUNCTUATION[code]) ?? key.toLowerCase();
}

/** What is printed on the key that gives this digit, letter or sign, by a map from places to what they type. */
export function capOf(character, layout) {
  if (!layout) return null;
  if (/^\d$/.test(character)) return layout.get(`Digit${character}`) ?? null;
  const letter = character.toLowerCase();
  if (!/^[a-z]$/.test(letter) || [...layout.values()].includes(letter)) return null;
  return layout.get(`Key${character.toUpperCase()}`) ?? null;
}

/** Write the caps of this very keyboard on the page, where the browser tells them. */
export async function showCaps(root, keyboard = navigator.keyboard) {
  const layout = await keyboard?.getLayoutMap?.().catch(() => null);
  for (const cap of root.querySelectorAll("kbd[data-key]")) {
    cap.textContent = capOf(cap.dataset.key, layout)?.toUpperCase() ?? cap.textContent;
  }
}
