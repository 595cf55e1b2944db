/** Keys 1 2 3 choose, Enter saves, Escape leaves the remark. Without this file the form works all the same. */

const CHOICES = { 1: "real", 2: "fake", 3: "unsure" };

/** What a key press means for the answer form: {choose}, {save: true}, {leave: true} or null. */
export function meaning(event, typing) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  if (event.key === "Escape" && typing) return { leave: true };
  if (event.key === "Enter" && !event.shiftKey) return { save: true };
  if (!typing && Object.hasOwn(CHOICES, event.key)) return { choose: CHOICES[event.key] };
  return null;
}

export function answerByKeys(form) {
  form.ownerDocument.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLTextAreaElement;
    const does = meaning(event, typing);
    if (!does || (does.save && event.target instanceof HTMLAnchorElement)) return;
    event.preventDefault();
    if (event.repeat) return;
    if (does.choose) form.elements.label.value = does.choose;
    if (does.leave) event.target.blur();
    if (does.save) form.requestSubmit();
  });
  form.addEventListener("submit", () => {
    form.querySelector("button[type=submit]").disabled = true;
  });
}

if (typeof document !== "undefined") {
  const form = document.querySelector("form[data-answer]");
  if (form) answerByKeys(form);
}
