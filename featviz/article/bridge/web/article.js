// @ts-check
// Small repairs that need the finished page; everything is readable without them.
(() => {
  "use strict";

  // The theme's search dialog has no name for screen readers.
  const search = document.querySelector("[data-md-component=search][role=dialog]");
  if (search) search.setAttribute("aria-label", "Search");

  // What scrolls sideways must be reachable by keyboard, and what does not must not be a stop.
  /** @type {NodeListOf<HTMLElement>} */
  const wide = document.querySelectorAll(".formula, pre.output, .md-typeset__scrollwrap");
  const mark = () => {
    for (const element of wide) {
      if (element.scrollWidth > element.clientWidth + 1) element.tabIndex = 0;
      else element.removeAttribute("tabindex");
    }
  };
  mark();
  window.addEventListener("resize", mark);

  // Paper is white, whatever the reader's scheme.
  const scheme = "data-md-color-scheme";
  let onScreen = document.body.getAttribute(scheme);
  const paper = window.matchMedia("print");
  const suit = () => {
    if (paper.matches) onScreen = document.body.getAttribute(scheme);
    document.body.setAttribute(scheme, paper.matches ? "default" : (onScreen ?? ""));
  };
  if (paper.matches) suit();
  paper.addEventListener("change", suit);

  // Definitions open by style alone, for pointer and keyboard. Escape closes them; and since a
  // finger cannot hover, its first tap opens and only the second follows the link.
  /** @type {NodeListOf<HTMLElement>} */
  const terms = document.querySelectorAll(".term");
  const isOpen = (/** @type {Element} */ term) =>
    term.lastElementChild && getComputedStyle(term.lastElementChild).visibility === "visible";
  let follow = true;
  document.addEventListener("pointerdown", (event) => {
    const term = event.target instanceof Element && event.target.closest(".term");
    follow = !term || event.pointerType !== "touch" || Boolean(isOpen(term));
  });
  document.addEventListener("keydown", (event) => {
    follow = true;
    if (event.key !== "Escape") return;
    for (const term of terms) {
      if (isOpen(term)) term.dataset.closed = "";
    }
  });
  for (const term of terms) {
    term.addEventListener("click", (event) => {
      if (!follow) event.preventDefault();
    });
    for (const left of ["mouseleave", "focusout"]) {
      term.addEventListener(left, () => delete term.dataset.closed);
    }
  }
})();
