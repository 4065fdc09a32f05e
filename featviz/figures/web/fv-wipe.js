// @ts-check
// <fv-wipe>: images of one size over each other; the slider's place is the edge between two.
(() => {
  "use strict";

  FV.define("fv-wipe", (host, data) => {
    const stage = /** @type {HTMLElement} */ (host.querySelector(".fv-wipe"));
    const rights = /** @type {HTMLElement[]} */ ([...stage.querySelectorAll(".fv-wipe__right")]);
    const slugs = data.right.map(FV.slug);
    let which = 0;
    const slider = FV.make("input", { type: "range", min: 0, max: 100, value: 50, class: "fv-wipe__slider" });
    const cut = (/** @type {number} */ share) => {
      slider.value = String(share);
      stage.style.setProperty("--fv-cut", `${share}%`);
      slider.setAttribute("aria-label", `From ${data.right[which]} to ${data.left}`);
      slider.setAttribute("aria-valuetext", `${share} percent ${data.left}`);
    };
    const link = () => FV.remember(host, `${slugs[which]}:${slider.value}`);
    const { group, press } = FV.choice("Right image", data.right, (i) => {
      choose(i);
      link();
    });
    /** @param {number} index */
    function choose(index) {
      which = index;
      rights.forEach((right, i) => (right.hidden = i !== index));
      press(index);
      cut(Number(slider.value));
    }
    slider.addEventListener("input", () => cut(Number(slider.value)));
    slider.addEventListener("change", link);
    if (rights.length > 1) host.querySelector(".fv-tools")?.append(group);
    stage.append(FV.make("span", { class: "fv-wipe__edge", "aria-hidden": "true" }), slider);
    choose(0);
    FV.follow(host, (key) => {
      const [name, share] = key.split(":");
      if (slugs.includes(name)) choose(slugs.indexOf(name));
      if (Number(share) >= 0 && Number(share) <= 100) cut(Math.round(Number(share)));
    });
  });
})();
