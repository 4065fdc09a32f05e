// @ts-check
// <fv-sheet>: every unit of a layer in one sheet, the one looked at large beside it.
(() => {
  "use strict";
  const { make } = FV;

  FV.define("fv-sheet", (host, { sprite, labels, values, links, find }) => {
    const { src: source } = /** @type {HTMLImageElement} */ (host.querySelector(".fv-sprite"));
    const place = /** @type {HTMLElement} */ (host.querySelector(".fv-sheet__tiles"));
    const tools = host.querySelector(".fv-tools");
    const large = make("button", { type: "button", class: "fv-sheet__large", click: zoom });
    const words = make("div", { class: "fv-sheet__told", "aria-live": "polite" });
    const sheet = {
      name: labels[0].split(":")[0], labels, sprite: { ...sprite, source }, section: place, place, values,
    };
    const { byId, reach, unitOf, state } = FV.layers(place, tools, [sheet], { find }, show,
      (unit) => FV.remember(host, unit.id));

    /** @param {Unit} unit */
    function show(unit) {
      FV.cell(large, sprite, source, unit.row);
      large.setAttribute("aria-label", `Enlarge ${unit.label}`);
      words.replaceChildren(make("strong", {}, unit.label), FV.measureList(unit),
        ...(links ? [make("a", { href: links[unit.row] }, "Open this unit")] : []));
    }
    function zoom() {
      const { list, current } = state();
      const items = list.map((unit) => ({
        label: unit.label, source, shape: sprite, index: unit.row, link: links?.[unit.row],
        note: FV.measures(unit).map((pair) => pair.join(" ")).join(", "),
      }));
      FV.zoom(items, list.indexOf(current), (i) => list[i].tile.focus({ preventScroll: true }));
    }
    // A press focuses before it clicks: only a second press on the same tile opens it.
    let target = state().current;
    place.addEventListener("pointerdown", () => (target = state().current));
    place.addEventListener("click", (event) => {
      const unit = unitOf(event);
      if (unit && (event.detail === 0 || target === unit)) zoom();
    });
    host.querySelector(".fv-sheet__preview")?.append(large, words);
    FV.subjects((id) => byId.has(id) && reach(id));
    FV.follow(host, (id) => reach(id)?.tile.focus({ preventScroll: true }));
  });
})();
