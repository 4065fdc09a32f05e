// @ts-check
// <fv-wipe>: two images of one size; the slider's place is the edge between them.
(() => {
  "use strict";
  const FV = /** @type {any} */ (window).FV;

  FV.define("fv-wipe", (/** @type {HTMLElement} */ host, /** @type {any} */ data) => {
    const stage = /** @type {HTMLElement} */ (host.querySelector(".fv-wipe"));
    const slider = /** @type {HTMLInputElement} */ (
      FV.make("input", {
        type: "range", min: 0, max: 100, value: 50, class: "fv-wipe__slider",
        "aria-label": `From ${data.right} to ${data.left}`,
      })
    );
    const cut = (/** @type {number} */ share) => {
      slider.value = String(share);
      stage.style.setProperty("--fv-cut", `${share}%`);
      slider.setAttribute("aria-valuetext", `${share} percent ${data.left}`);
    };
    slider.addEventListener("input", () => cut(Number(slider.value)));
    slider.addEventListener("change", () => FV.remember(host, slider.value));
    stage.append(FV.make("span", { class: "fv-wipe__edge", "aria-hidden": "true" }), slider);
    cut(50);
    FV.follow(host, (/** @type {string} */ key) => {
      const share = Number(key);
      if (share >= 0 && share <= 100) cut(Math.round(share));
    });
  });
})();
