const GAP = 12;
const EDGE = 8;

/**
 * Where a card goes beside a target in a window: at its end, below it, above it or before it, whichever has room
 * first; over its foot where none has. All in CSS pixels of the window.
 */
export function beside(target, card, room, isRtl = false) {
  const middle = { x: target.left, y: target.top };
  if (isRtl) middle.x = target.right - card.width;
  const right = { x: target.right + GAP, y: middle.y, fits: target.right + GAP + card.width + EDGE <= room.width };
  const left = { x: target.left - GAP - card.width, y: middle.y, fits: target.left - GAP - card.width >= EDGE };
  const below = { x: middle.x, y: target.bottom + GAP, fits: target.bottom + GAP + card.height + EDGE <= room.height };
  const above = { x: middle.x, y: target.top - GAP - card.height, fits: target.top - GAP - card.height >= EDGE };
  const [end, start] = isRtl ? [left, right] : [right, left];
  const { x, y } = [end, below, above, start].find((spot) => spot.fits) ?? { x: middle.x, y: room.height };
  return { left: within(x, card.width, room.width), top: within(y, card.height, room.height) };
}

function within(at, size, room) {
  return Math.max(EDGE, Math.min(at, room - size - EDGE));
}
