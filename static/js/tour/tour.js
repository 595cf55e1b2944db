/** A tour of the page in steps: a ring around one part of it after the other, and a card beside it that says what it is for. */

import { beside } from "./beside.js";

const ANCHOR = "#tour";
const AROUND = 4; // px between a part of the page and its ring
const dialog = document.querySelector(ANCHOR);
const ring = dialog.querySelector(".ring");
const card = dialog.querySelector(".card");
const back = dialog.querySelector("[data-back]");
const next = dialog.querySelector("[data-next]");
const goOn = next.textContent;
const isRtl = document.documentElement.dir === "rtl";
let steps = [];
let at = 0;

function targetOf(step) {
  return document.querySelector(step.dataset.target);
}

function open() {
  const all = [...dialog.querySelectorAll("[data-target]")];
  for (const step of all) step.hidden = true;
  steps = all.filter((step) => targetOf(step)?.checkVisibility());
  if (dialog.open || steps.length === 0) return;
  show(0); // before it opens, as a screen reader then reads it out, and later what changes in it
  dialog.showModal();
  place();
  endOffer();
}

function show(number) {
  at = Math.max(0, Math.min(number, steps.length - 1));
  for (const step of steps) step.hidden = step !== steps[at];
  label();
  next.textContent = at === steps.length - 1 ? next.dataset.done : goOn;
  back.hidden = at === 0;
  next.focus();
  targetOf(steps[at]).scrollIntoView({ block: "nearest", inline: "nearest" });
  place();
}

function label() {
  const [where, title, text] = steps[at].children;
  where.textContent = where.dataset.place.replace("%s", at + 1).replace("%t", steps.length);
  dialog.setAttribute("aria-labelledby", `${where.id} ${title.id}`);
  dialog.setAttribute("aria-describedby", text.id);
}

function place() {
  if (!dialog.open) return;
  const { left, right, top, bottom, width, height } = targetOf(steps[at]).getBoundingClientRect();
  set(ring, { left: left - AROUND, top: top - AROUND, width: width + 2 * AROUND, height: height + 2 * AROUND });
  const room = { width: document.documentElement.clientWidth, height: window.innerHeight };
  set(card, beside({ left, right, top, bottom }, card.getBoundingClientRect(), room, isRtl));
}

function set(element, pixels) {
  for (const [side, value] of Object.entries(pixels)) element.style[side] = `${value}px`;
}

/** Whoever has begun is not asked again; where this does not arrive, they are. */
function endOffer() {
  const form = document.querySelector("[data-end-tour]");
  if (!form) return;
  const headers = { Accept: "application/json" };
  fetch(form.action, { method: "POST", body: new FormData(form), headers }).catch(() => {});
}

next.addEventListener("click", () => (at === steps.length - 1 ? dialog.close() : show(at + 1)));
back.addEventListener("click", () => show(at - 1));
dialog.addEventListener("keydown", (event) => {
  if (event.key === (isRtl ? "ArrowLeft" : "ArrowRight")) show(at + 1);
  if (event.key === (isRtl ? "ArrowRight" : "ArrowLeft")) show(at - 1);
});
document.querySelector(`a[href="${ANCHOR}"]`)?.addEventListener("click", (event) => {
  event.preventDefault();
  open();
});
window.addEventListener("scroll", place, { capture: true, passive: true });
window.addEventListener("resize", place);
new ResizeObserver(place).observe(document.body);
if (location.hash === ANCHOR) {
  // Else the browser, arriving at the anchor, takes the focus out of the dialog again; and the next load would open it.
  history.replaceState(null, "", location.pathname + location.search);
  open();
}
