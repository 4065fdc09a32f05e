// @ts-check
// <fv-picker>: one photo or unit for all figures of the page. It stays at the lower edge of the
// screen while a figure that takes part is in view, until it is closed.
(() => {
  "use strict";
  const { make } = FV;

  // Figures that know subjects by the names of their units or photos.
  const PARTNERS = "fv-inspector, fv-sheet, fv-spectrum, fv-trajectory";

  class Picker extends HTMLElement {
    connectedCallback() {
      if (this.dataset.fv) return;
      this.dataset.fv = "ready";
      if (document.readyState === "loading")
        document.addEventListener("DOMContentLoaded", () => this.start(), { once: true });
      else this.start();
    }

    start() {
      const strip = /** @type {HTMLElement} */ (this.querySelector(".fv-picker"));
      const items = /** @type {HTMLElement[]} */ ([...strip.querySelectorAll("li")]);
      const buttons = items.map((item) => {
        const about = item.dataset.pick ?? "";
        const button = make("button", { type: "button", class: "fv-pick", "aria-pressed": "false" });
        button.append(...item.childNodes);
        // The name is beside the picture: once is enough.
        button.querySelector("img")?.setAttribute("alt", "");
        button.addEventListener("click", () =>
          FV.pick(button.getAttribute("aria-pressed") === "true" ? "" : about));
        item.append(button);
        return button;
      });
      FV.rove(strip, () => buttons);
      FV.subjects((value) =>
        buttons.forEach((button, i) =>
          button.setAttribute("aria-pressed", String(items[i].dataset.pick === value))));
      this.dock(strip);
      const { place, state, subject } = FV.address();
      if (!subject) return;
      FV.pick(subject, false);
      // The browser finds no anchor of this name, because the name goes on behind it.
      if (place && !state) document.getElementById(place)?.scrollIntoView();
    }

    /** @param {HTMLElement} strip */
    dock(strip) {
      /** @type {Set<Element>} */
      const onScreen = new Set();
      let above = false;
      const close = make("button", { type: "button", class: "fv-picker__close", "aria-label": "Close" });
      close.textContent = "\u00d7";
      let closed = false;
      close.addEventListener("click", () => {
        closed = true;
        settle();
      });
      strip.append(close);
      const settle = () => {
        const docked = above && onScreen.size > 0 && !closed;
        if (docked === strip.classList.contains("fv-picker--docked")) return;
        this.style.minHeight = docked ? `${this.offsetHeight}px` : "";
        strip.classList.toggle("fv-picker--docked", docked);
      };
      const place = new IntersectionObserver((entries) => {
        const last = entries[entries.length - 1];
        above = !last.isIntersecting && last.boundingClientRect.top < 0;
        settle();
      });
      place.observe(this);
      const figures = new IntersectionObserver((entries) => {
        for (const entry of entries)
          if (entry.isIntersecting) onScreen.add(entry.target);
          else onScreen.delete(entry.target);
        settle();
      });
      for (const part of document.querySelectorAll("figure.fv"))
        if (part.querySelector("[data-pick]") || part.closest(PARTNERS)) figures.observe(part);
    }
  }
  if (!customElements.get("fv-picker")) customElements.define("fv-picker", Picker);
})();
