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

  measure();
  addEventListener("resize", measure);
}
