// @ts-check
// <fv-tiles>: tiles in rows. Pointing or moving by key enlarges one in place, Enter opens it.
(() => {
  "use strict";
  const MANY = 8; // links in a figure's headings that the Tab key walks one by one

  FV.define("fv-tiles", (host, payload) => {
    const stage = /** @type {HTMLElement} */ (host.querySelector(".fv-tiles"));
    const tiles = FV.tiles(host, stage);
    FV.mark(stage);
    // A long list of links would stand between a reader at the keyboard and what follows.
    const links = /** @type {HTMLElement[]} */ ([...stage.querySelectorAll(".fv-head > span a")]);
    if (links.length > MANY) FV.rove(stage, () => links);
    if (payload.scale) scaling(host, stage, Boolean(payload.toScale));
    FV.follow(host, (key) => {
      const tile = tiles.find((one) => one.dataset.key === key);
      tile?.focus({ preventScroll: true });
    });
  });

  /** What the enlarged view shows of a tile. @param {HTMLElement} stage @param {HTMLElement} tile */
  function item(stage, tile) {
    const image = /** @type {HTMLImageElement} */ (tile.querySelector("img"));
    const score = tile.parentElement?.querySelector(".fv-score:not(.fv-score--none)")?.textContent;
    const field = tile.closest(".fv-row")?.querySelector(".fv-ladder .fv-head > span")?.lastChild;
    return {
      label: image.alt,
      source: image.src,
      ratio: image.width / image.height,
      pixelated: image.classList.contains("fv-pixels"),
      note: score ? `${stage.dataset.score ?? ""} ${score}` : (field?.textContent ?? ""),
      link: tile.getAttribute("href") ?? undefined,
    };
  }

  /** Let the tiles of a stage be walked over and opened. */
  FV.tiles = (host, stage) => {
    const tiles = /** @type {HTMLElement[]} */ ([...stage.querySelectorAll(".fv-tile")]);
    const items = tiles.map((tile) => item(stage, tile));

    // An enlarged tile grows away from the nearer edge, so that it never leaves the figure.
    const aim = (/** @type {HTMLElement} */ tile) => {
      const outer = stage.getBoundingClientRect();
      const box = /** @type {HTMLElement} */ (tile.parentElement).getBoundingClientRect();
      const room = outer.width - box.width;
      const x = room > 0 ? (100 * (box.left - outer.left)) / room : 50;
      tile.style.setProperty("--fv-origin", `${Math.min(100, Math.max(0, x))}%`);
    };
    const open = (/** @type {number} */ index) => {
      const key = (/** @type {number} */ i) => FV.remember(host, tiles[i].dataset.key ?? "");
      key(index);
      FV.zoom(items, index, (i) => {
        key(i);
        tiles[i].focus({ preventScroll: true });
      });
    };

    tiles.forEach((tile, index) => {
      if (tile.tagName !== "A") tile.setAttribute("role", "button");
      tile.setAttribute("aria-haspopup", "dialog");
      tile.dataset.label = items[index].label;
      tile.dataset.key = FV.slug(items[index].label);
      tile.addEventListener("pointerenter", () => aim(tile));
      tile.addEventListener("focus", () => aim(tile));
      tile.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        open(index);
      });
      tile.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        open(index);
      });
    });
    FV.rove(stage, () => tiles);
    return tiles;
  };

  /** @param {HTMLElement} host @param {HTMLElement} stage @param {boolean} scaled */
  function scaling(host, stage, scaled) {
    const { group, press } = FV.choice("Size of the tiles", ["equal size", "true to scale"], choose);
    /** @param {number} index */
    function choose(index) {
      stage.classList.toggle("fv-scaled", index === 1);
      press(index);
    }
    choose(scaled ? 1 : 0);
    host.querySelector(".fv-tools")?.append(group);
  }
})();
