// Measures the window for the display check and says what it means. No module: it stands before the button and runs
// before the browser reads on, so that nobody can go on without having been measured, however fast they press.
{
  const form = document.querySelector("form[data-display]");

  const measure = () => {
    const [width, height] = [innerWidth, innerHeight].map((side) => Math.round(side * devicePixelRatio));
    form.elements.width.value = width;
    form.elements.height.value = height;
    form.elements.pixel_ratio.value = devicePixelRatio;
    const verdict = form.querySelector("[data-verdict]");
    const small = Math.min(width, height) < Number(form.dataset.side);
    verdict.textContent = small ? form.dataset.small : form.dataset.good;
    verdict.classList.toggle("warning", small);
    verdict.classList.toggle("success", !small);
    verdict.hidden = false;
  };

  // The frame of a card: sent only once its rater says that it fits, as nobody can tell a slider left alone from one set.
  const card = form.querySelector("[data-card]");
  const slider = form.elements.card;
  const measured = card.querySelector("[data-measured]");
  const frame = card.querySelector(".card-frame");

  const draw = () => {
    frame.style.width = `${slider.value}px`;
    frame.style.height = `${Math.round((slider.value * 85.6) / 53.98)}px`;
  };
  slider.max = Math.max(Number(slider.min), Math.min(Number(slider.max), form.clientWidth));
  slider.disabled = false;
  slider.addEventListener("input", draw);
  form.addEventListener("submit", () => {
    slider.disabled = !measured.checked;
  });
  addEventListener("pageshow", () => {
    slider.disabled = false;
  });
  card.hidden = false;

  draw();
  measure();
  addEventListener("resize", measure);
}
