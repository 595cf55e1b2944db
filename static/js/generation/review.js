/** Keys of the review page: each presses the button, follows the link or enters the field that names it. */

/** The element that a key stands for, or null where the key belongs to what is being typed. */
export function target(event, elements) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return null;
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target?.tagName ?? "")) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return [...elements].find((element) => element.dataset.key === key) ?? null;
}

if (typeof document !== "undefined") {
  document.addEventListener("keydown", (event) => {
    const found = target(event, document.querySelectorAll("#review [data-key]"));
    if (!found) return;
    event.preventDefault();
    if (found.tagName === "INPUT") found.focus();
    else found.click();
  });
}
