// Small repairs that need the finished page; everything is readable without them.
(() => {
  "use strict";

  // The theme's search dialog has no name for screen readers.
  const search = document.querySelector("[data-md-component=search][role=dialog]");
  if (search) search.setAttribute("aria-label", "Search");

  // What scrolls sideways must be reachable by keyboard, and what does not must not be a stop.
  const wide = document.querySelectorAll(".formula, pre.output, .md-typeset__scrollwrap");
  const mark = () => {
    for (const element of wide) {
      if (element.scrollWidth > element.clientWidth + 1) element.tabIndex = 0;
      else element.removeAttribute("tabindex");
    }
  };
  mark();
  window.addEventListener("resize", mark);
})();
