/** The second questions of the answer form: each is a fieldset that knows its code, and may wait for the label. */

const FIELD = "second_";

/** An answer as the fields of the form that the server reads: each second answer has one of its own. */
export function fieldsOf({ second = {}, ...answer }) {
  return { ...answer, ...Object.fromEntries(Object.entries(second).map(([code, value]) => [FIELD + code, value])) };
}

/** The fields by which an answer begun is sent: its marks as in the view state of one saved. */
export function draftFields({ marks = [], ...answer }, account) {
  return { ...fieldsOf(answer), view_state: JSON.stringify({ marks }), account };
}

export class SecondQuestions {
  #parts;

  constructor(form) {
    this.#parts = [...form.querySelectorAll("fieldset[data-second]")];
  }

  /** Whether digits alone cannot answer all of them, so that nothing goes on by itself. */
  get needsHand() {
    return this.#parts.some((part) => part.querySelector("input[type=checkbox], input[type=number], textarea"));
  }

  /** What stands in them, by code; of a question without an answer nothing. */
  read() {
    const answered = this.#parts.filter((part) => !part.disabled).map((part) => [part.dataset.second, valueOf(part)]);
    return Object.fromEntries(answered.filter(([, value]) => value.length));
  }

  fill(second = {}) {
    for (const part of this.#parts) {
      const values = [second[part.dataset.second] ?? []].flat().map(String);
      for (const input of part.querySelectorAll("input, textarea")) {
        if (isTick(input)) input.checked = values.includes(input.value);
        else input.value = values[0] ?? "";
      }
    }
  }

  /** The sentence of the first that must have an answer and has none; empty where all is there. */
  get missing() {
    const second = this.read();
    return this.#parts.find(({ dataset }) => dataset.required && !second[dataset.second])?.dataset.required ?? "";
  }

  /** Those that come after the label wait for it, unseen and in their place. */
  follow(hasLabel) {
    for (const part of this.#parts) part.disabled = "after" in part.dataset && !hasLabel;
  }
}

function valueOf(part) {
  const ticked = [...part.querySelectorAll("input:checked")].map(({ value }) => value);
  if (part.querySelector("input[type=checkbox]")) return ticked;
  return ticked[0] ?? part.querySelector("input[type=number], textarea")?.value.trim() ?? "";
}

function isTick({ type }) {
  return type === "radio" || type === "checkbox";
}
