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
})();
