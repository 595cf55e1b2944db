/** What a study may let raters do to the image at hand besides viewing it: turn its slices, mark places. */

import { Marks } from "./marks.js";
import { Stack } from "./stack.js";

export class ImageTools {
  #stack;
  #marks;

  /** `now()` is the time looked at the image at hand; `changed()` hears of marks set and taken back. */
  constructor({ root, viewer, told, now, changed }) {
    const { slices, urls, marks } = told;
    this.#marks = marks ? new Marks({ root, viewer, slices, changed }) : null;
    this.#stack = slices > 1 ? new Stack({ root, viewer, slices, url: urls.slice, now }) : null;
  }

  get hasStack() {
    return this.#stack !== null;
  }

  /** What of it is kept with the rating. */
  used() {
    return { ...this.#stack?.used(), ...this.#marks?.used() };
  }

  /** What of it is kept before the answer is saved. */
  begun() {
    return { ...this.#marks?.used() };
  }

  /** Do what a key or a button says; true when it was something for a tool. */
  act(does) {
    return Boolean(this.#stack?.act(does) || this.#marks?.act(does));
  }

  /** Whether a tool took this key for itself. */
  key(event) {
    return Boolean(this.#marks?.key(event));
  }

  /** Of an answer given before, as the server holds it, or of one begun. */
  remember({ token }, { marks }) {
    this.#marks?.remember(token, marks);
  }
}
