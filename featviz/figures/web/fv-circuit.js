// @ts-check
// <fv-circuit>: what a unit is made of, column by column. A unit that is pressed is taken apart next.
(() => {
  "use strict";
  const { make } = FV;

  const here = () => FV.address().place;

  // An address that names a unit leads to its circuit; the element starts when it comes near.
  function come() {
    const figure = document.querySelector("fv-circuit figure");
    if (/^[\w-]+-\d+$/.test(here()) && !document.getElementById(here())) figure?.scrollIntoView({ block: "center" });
  }
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", come);
  else come();

  FV.define("fv-circuit", (host, data) => {
    const find = (/** @type {string} */ name) => /** @type {HTMLElement} */ (host.querySelector(`.fv-circuit__${name}`));
    const circuits = FV.circuits(data);
    const stage = FV.circuitStage(find("stage"), data, circuits, (...about) => panel.show(...about), back);
    const panel = FV.circuitPanel(host, find("panel"), data, stage.picture);
    let steps = 0;

    const told = make("output", { class: "fv-count" });
    const name = make("input", {
      type: "search", class: "fv-find", "aria-label": "Unit to take apart", spellcheck: "false",
      change: () => go(circuits.unit(FV.slug(name.value))),
    });
    const any = make("button", { type: "button", class: "fv-button fv-reset", click: () => go(circuits.any()) }, "Any unit");
    find("tools").append(make("label", {}, "Unit ", name), any, told);

    /** @param {CircuitUnit | undefined} unit */
    function go(unit) {
      if (!unit) told.textContent = missing(name.value);
      else if (unit === stage.root()) draw(unit);
      else location.hash = `#${unit.id}`; // what is drawn follows the address
    }
    /** @param {CircuitUnit} unit */
    function draw(unit) {
      name.value = unit.label;
      told.textContent = "";
      stage.draw(unit);
    }
    /** Why nothing else is drawn. @param {string} words */
    function missing(words) {
      const layer = data.layers.find((one) => words.trim().toLowerCase().startsWith(one.name));
      return layer
        ? `No such unit: ${layer.name} has units 0 to ${layer.units - 1}.`
        : `No such unit: write one as ${data.layers[0].name}:0.`;
    }
    /** Go back to the unit before, if the reader has walked from one. */
    function back() {
      if (!steps) return false;
      steps -= 2; // going back is a step, too
      history.back();
      return true;
    }
    const wanted = () => /** @type {CircuitUnit} */ (circuits.unit(here()) ?? circuits.unit(data.start));
    addEventListener("hashchange", () => {
      if (wanted() === stage.root()) return;
      steps += 1;
      draw(wanted());
      if (!host.contains(document.activeElement)) host.querySelector("figure")?.scrollIntoView({ block: "nearest" });
    });
    draw(wanted());
  });
})();
