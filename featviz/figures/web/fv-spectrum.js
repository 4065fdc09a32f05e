// @ts-check
// <fv-spectrum>: patches between what silences a unit and what excites it, one unit at a time.
(() => {
  "use strict";

  FV.define("fv-spectrum", (host) => {
    const blocks = /** @type {HTMLElement[]} */ ([...host.querySelectorAll(".fv-spectrum__unit")]);
    const names = blocks.map((block) => block.querySelector("strong")?.textContent ?? "");
    const keys = blocks.map((block) => block.dataset.key ?? "");
    const tiles = blocks.map((block) => FV.tiles(host, /** @type {HTMLElement} */ (block.querySelector(".fv-spectrum"))));
    const { group, press } = FV.choice("Unit", names, (i) => {
      choose(i);
      FV.pick(keys[i]);
      FV.remember(host, keys[i]);
    });
    /** @param {number} index */
    function choose(index) {
      blocks.forEach((block, i) => (block.hidden = i !== index));
      press(index);
    }
    if (blocks.length > 1) host.querySelector(".fv-tools")?.append(group);
    choose(0);
    FV.subjects((value) => keys.includes(value) && choose(keys.indexOf(value)));
    FV.follow(host, (key) => {
      const index = keys.findIndex((one) => key === one || key.startsWith(`${one}-`));
      if (index < 0) return;
      choose(index);
      tiles[index].find((one) => one.dataset.key === key)?.focus();
    });
  });
})();
