// @ts-check
// <fv-overlays>: photos by layers; buttons switch all cells between overlay, photo and raw map.
(() => {
  "use strict";
  const MODES = ["overlay", "photo", "map"];

  FV.define("fv-overlays", (host) => {
    const stage = /** @type {HTMLElement} */ (host.querySelector(".fv-overlays"));
    const cells = /** @type {HTMLElement[]} */ ([...stage.querySelectorAll("[role=cell]")]);
    let mode = "overlay";

    const tiles = cells.map((cell) => {
      const photo = /** @type {HTMLElement} */ (
        cell.closest(".fv-row")?.querySelector("[role=rowheader] img")?.cloneNode()
      );
      photo.dataset.mode = "photo";
      photo.hidden = true;
      const tile = FV.make("span", { class: "fv-tile", role: "button", "aria-haspopup": "dialog" });
      tile.append(...cell.childNodes, photo);
      cell.append(tile);
      return /** @type {HTMLElement} */ (tile);
    });
    const imageOf = (/** @type {HTMLElement} */ tile) =>
      /** @type {HTMLImageElement} */ (tile.querySelector(`[data-mode=${mode}]`));

    const { group, press } = FV.choice("What the cells show", MODES, (i) => {
      show(MODES[i]);
      FV.remember(host, MODES[i]);
    });
    host.querySelector(".fv-modes")?.append(group);
    /** @param {string} next */
    function show(next) {
      mode = next;
      press(MODES.indexOf(next));
      for (const image of stage.querySelectorAll("[data-mode]")) {
        const hidden = /** @type {HTMLElement} */ (image).dataset.mode !== mode;
        /** @type {HTMLElement} */ (image).hidden = hidden;
      }
    }
    const open = (/** @type {number} */ index) => {
      const items = tiles.map((tile) => {
        const image = imageOf(tile);
        const overlay = /** @type {HTMLImageElement} */ (tile.querySelector("[data-mode=overlay]"));
        return {
          label: mode === "photo" ? `Photo: ${image.alt}` : image.alt,
          source: image.src,
          ratio: overlay.width / overlay.height,
          pixelated: image.classList.contains("fv-pixels"),
        };
      });
      FV.zoom(items, index, (i) => tiles[i].focus({ preventScroll: true }));
    };
    tiles.forEach((tile, index) => {
      tile.addEventListener("click", () => open(index));
      tile.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        open(index);
      });
    });
    FV.rove(stage, () => tiles);
    FV.mark(stage);
    show(mode);
    FV.follow(host, (key) => MODES.includes(key) && show(key));
  });
})();
