/** The presentations of a sitting as one page load knows them: held to be rated, answered, and lost on the server. */

export class Presentations {
  #held;
  #answered = new Map();
  #lost = new Set();
  #justRated = null;

  constructor(held) {
    this.#held = held;
  }

  /** The first without an answer, or null. */
  get frontier() {
    return this.#held[0] ?? null;
  }

  get tokens() {
    return this.#held.map(({ token }) => token);
  }

  /** Of the images to keep at hand: what may be shown next, and the one rated last, wherever the page has got to. */
  get atHand() {
    const justRated = this.#justRated ?? this.#answered.get((this.frontier?.position ?? 0) - 1)?.presentation;
    const { tokens } = this;
    return justRated ? [...tokens.slice(0, 3), justRated.token, ...tokens.slice(3)] : tokens;
  }

  /** The position of the last one held, or undefined. */
  get end() {
    return this.#held.at(-1)?.position;
  }

  answerAt(position) {
    return this.#answered.get(position);
  }

  isLost(token) {
    return this.#lost.has(token);
  }

  /** As the server knows it from before. */
  remember(presentation, answer) {
    this.keep((other) => other !== presentation);
    this.#answered.set(presentation.position, { presentation, answer, key: answer.key });
  }

  /** Rated here, just now. */
  rate(presentation, answer, key) {
    this.keep((other) => other !== presentation);
    this.#answered.set(presentation.position, { presentation, answer, key });
    this.#justRated = presentation;
  }

  /** Its file is lost on the server. */
  passOver(presentation) {
    this.#lost.add(presentation.token);
    this.keep((other) => other !== presentation);
  }

  keep(isKept) {
    this.#held = this.#held.filter(isKept);
  }

  /** Hold what is new of these, in order; whether anything was. `waiting` are saves on their way. */
  take(ahead, waiting) {
    const known = new Set([...this.#lost, ...this.tokens, ...waiting.map(({ token }) => token)]);
    const more = ahead.filter(({ token, position }) => !known.has(token) && !this.#answered.has(position));
    this.#held = [...this.#held, ...more].sort((a, b) => a.position - b.position);
    return more.length > 0;
  }
}
