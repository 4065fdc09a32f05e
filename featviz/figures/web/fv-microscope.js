// @ts-check
// <fv-microscope>: every unit of a network in sheets; the panel shows the one looked at.
(() => {
  "use strict";
  // Milliseconds: browsers refuse an address that changes with every arrow key.
  const NAMING_PAUSE = 250;

  FV.define("fv-microscope", (host, data) => {
    const stage = /** @type {HTMLElement} */ (host.querySelector(".fv-micro__stage"));
    const side = /** @type {HTMLElement} */ (host.querySelector(".fv-micro__panel"));
    const sections = /** @type {HTMLElement[]} */ ([...stage.querySelectorAll(".fv-micro__layer")]);
    const sheets = data.layers.map(({ name, sprite, units }, i) => {
      const place = /** @type {HTMLElement} */ (sections[i].querySelector(".fv-micro__sheet"));
      return { name, sprite, labels: units.map((unit) => `${name}:${unit}`), section: sections[i], place };
    });
    let naming = 0;
    const panel = FV.microscopePanel(side, data, step, (unit) => boards.filter.alike(unit));
    const boards = FV.layers(stage, host.querySelector(".fv-tools"), sheets,
      { find: true, later: true, filters: data.filters }, panel.draw, name);
    // Places of the address, which without scripts lie over the sheets' pictures.
    for (const unit of boards.units) unit.tile.id = unit.id;

    /** @param {Unit} unit */
    function name(unit) {
      clearTimeout(naming);
      naming = setTimeout(() => history.replaceState(null, "", `#${unit.id}`), NAMING_PAUSE);
    }
    /** @param {number} by */
    function step(by) {
      const { list, current } = boards.state();
      const unit = list[list.indexOf(current) + by];
      if (!unit) return;
      boards.choose(unit);
      name(unit);
      unit.tile.scrollIntoView({ block: "nearest" });
    }
    /** Show a unit that a link leads to. @param {string} id */
    function reach(id) {
      const unit = boards.reach(id);
      if (unit) clearTimeout(naming);
      return unit;
    }
    const here = () => FV.address().place;

    side.addEventListener("click", (event) => {
      const link = /** @type {HTMLElement} */ (event.target).closest("a")?.getAttribute("href") ?? "";
      const id = link.slice(1);
      if (link[0] !== "#" || !reach(id)) return;
      event.preventDefault();
      history.pushState(null, "", `#${id}`);
      panel.top();
    });
    for (const event of ["popstate", "hashchange"]) addEventListener(event, () => reach(here()));
    reach(here())?.tile.scrollIntoView({ block: "start" }); // as far down as its style says
    Promise.all(boards.layers.map(async (layer, i) => {
      layer.data = await FV.part(host, data.layers[i].part);
      for (const unit of boards.units)
        if (unit.layer === layer && layer.data.families[unit.row])
          unit.tile.setAttribute("aria-label", `${unit.label}, ${layer.data.families[unit.row]}`);
      if (boards.state().glance.layer === layer) boards.draw();
    })).then(() => {
      boards.filter.fill();
      host.dataset.loaded = "true";
    });
  });
})();
