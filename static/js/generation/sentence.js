/** What a filled-in form of a new job will do, in a sentence that follows what is typed. */

/** The sentence, or nothing while it is not known how many images of what go where. */
export function sentence({ total, model, dataset, isNew }) {
  const number = Number(total);
  if (!Number.isInteger(number) || number < 1 || !model || !dataset) return "";
  const images = number === 1 ? "image" : "images";
  return `${number.toLocaleString("en")} ${images} by ${model}, into ${isNew ? "the new dataset " : ""}“${dataset}”.`;
}

function typed(form) {
  const { total, what, api_model: named, dataset, new_dataset: name } = form.elements;
  const chosen = (field) => (field?.tagName === "SELECT" ? field.selectedOptions[0]?.textContent.trim() : field?.value.trim());
  const isNew = !dataset?.value;
  return {
    total: total?.value,
    model: chosen(what) || chosen(named) || form.getAttribute("data-model"),
    dataset: isNew ? name?.value.trim() : chosen(dataset),
    isNew,
  };
}

if (typeof document !== "undefined") {
  const form = document.querySelector("form[data-job]");
  const place = form?.querySelector("[data-sentence]");
  const renew = () => {
    place.textContent = sentence(typed(form));
    place.hidden = !place.textContent;
  };
  if (place) {
    form.addEventListener("input", renew);
    renew();
  }
}
