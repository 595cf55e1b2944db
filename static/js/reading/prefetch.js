/** What the server's list of presentations ahead tells of one of them. */

/**
 * Whether a presentation is without a rating, by a list that names the unrated ones in order. A full list ends where
 * the batch does: of what lies behind it, it says nothing, so that stays.
 */
export function unratedBy(ahead, batch) {
  const tokens = new Set(ahead.map(({ token }) => token));
  const end = ahead.length < batch ? Infinity : ahead.at(-1).position;
  return ({ token, position }) => tokens.has(token) || position > end;
}
