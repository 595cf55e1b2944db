/** The server's list of presentations ahead: a batch at a time, and what it tells of one of them. */

import { ask } from "./outbox.js";

/** The batches that follow, as far as the network lets it and the same account is signed in. */
export async function* batchesAfter(after, { url, batch, account }) {
  for (;;) {
    const { status, body } = await ask(`${url}&after=${after}`).catch(() => ({ status: 0 }));
    if (status !== 200 || body.account !== account) return;
    yield body.ahead;
    if (body.ahead.length < batch) return;
    after = body.ahead.at(-1).position;
  }
}

/**
 * Whether a presentation is without a rating, by a list that names the unrated ones in order. A full list ends where
 * the batch does: of what lies behind it, it says nothing, so that stays.
 */
export function unratedBy(ahead, batch) {
  const tokens = new Set(ahead.map(({ token }) => token));
  const end = ahead.length < batch ? Infinity : ahead.at(-1).position;
  return ({ token, position }) => tokens.has(token) || position > end;
}
