// @ts-check
// <fv-sheet>: every unit of a layer in one sheet, the one looked at large beside it.
(() => {
  "use strict";
  const { make } = FV;

  FV.define("fv-sheet", (host, data) => {
    const { sprite, labels, values, links } = data;
    const source = /** @type {HTMLImageElement} */ (host.querySelector(".fv-sprite")).src;
    const tilesBox = /** @type {HTMLElement} */ (host.querySelector(".fv-sheet__tiles"));
    const names = Object.keys(values);

    const large = make("button", { type: "button", class: "fv-sheet__large" });
    const title = make("strong");
    const numbers = make("dl");
    const cells = names.map((name) => {
      const cell = make("dd");
      numbers.append(make("dt", {}, name), cell);
      return cell;
    });
    const link = make("a", {}, "Open this unit");
    const told = make("div", { class: "fv-sheet__told", "aria-live": "polite" }, title, numbers);
    if (links) told.append(link);

    /** @type {HTMLElement[]} */
    const tiles = labels.map((label, i) => {
      const tile = make("button", { type: "button", class: "fv-unit", "aria-label": label });
      tile.dataset.index = String(i);
      FV.cell(tile, sprite, source, i);
      return tile;
    });
    const board = make("div", { class: "fv-board", role: "group", "aria-label": "Units" }, ...tiles);
    let order = tiles;
    let current = 0;

    /** @param {number} index */
    function look(index) {
      FV.cell(large, sprite, source, index);
      large.setAttribute("aria-label", `Enlarge ${labels[index]}`);
      title.textContent = labels[index];
      cells.forEach((cell, i) => {
        const value = values[names[i]][index];
        cell.textContent = value === null ? "\u2013" : FV.number(value);
      });
      if (links) link.setAttribute("href", links[index]);
    }
    /** @param {number} index */
    function select(index, linked = true) {
      tiles[current].removeAttribute("aria-current");
      current = index;
      tiles[current].setAttribute("aria-current", "true");
      look(index);
      if (linked) FV.remember(host, FV.slug(labels[index]));
    }
    function zoom() {
      const items = order.map((tile) => {
        const index = Number(tile.dataset.index);
        const told = names.map((n) => `${n} ${values[n][index] === null ? "\u2013" : FV.number(values[n][index])}`);
        return { label: labels[index], source, shape: sprite, index, note: told.join(", "), link: links?.[index] };
      });
      const at = order.indexOf(tiles[current]);
      FV.zoom(items, at, (i) => order[i].focus({ preventScroll: true }));
    }

    const unit = (/** @type {Event} */ event) => {
      const tile = /** @type {HTMLElement} */ (event.target).closest(".fv-unit");
      return tile ? Number(/** @type {HTMLElement} */ (tile).dataset.index) : -1;
    };
    // A press focuses before it clicks: only a second press on the same tile opens it.
    let pressed = -1;
    board.addEventListener("pointerdown", () => (pressed = current));
    board.addEventListener("focusin", (/** @type {Event} */ event) => unit(event) >= 0 && select(unit(event)));
    board.addEventListener("pointerover", (/** @type {Event} */ event) => unit(event) >= 0 && look(unit(event)));
    board.addEventListener("pointerleave", () => look(current));
    board.addEventListener("click", (/** @type {Event} */ event) => {
      const index = unit(event);
      if (index < 0) return;
      const again = /** @type {MouseEvent} */ (event).detail === 0 || pressed === index;
      select(index);
      if (again) zoom();
    });
    large.addEventListener("click", zoom);

    const tools = host.querySelector(".fv-tools");
    if (names.length) {
      const pick = make("select", { class: "fv-select" },
        ...["number", ...names].map((n) => make("option", { value: n }, n)));
      pick.addEventListener("change", () => {
        const column = values[pick.value];
        const key = (/** @type {HTMLElement} */ t) => column?.[Number(t.dataset.index)] ?? -Infinity;
        order = column ? [...tiles].sort((a, b) => key(b) - key(a)) : tiles;
        board.append(...order);
      });
      tools?.append(make("label", {}, "Sort by ", pick));
    }
    if (data.find) {
      const find = make("input", { type: "search", class: "fv-find", placeholder: labels[12] });
      find.addEventListener("input", () => {
        const words = find.value.trim().toLowerCase();
        const whole = labels.findIndex((l) =>
          l.toLowerCase() === words || l.toLowerCase().endsWith(`:${words}`));
        const part = labels.findIndex((l) => l.toLowerCase().includes(words));
        if (words && (whole >= 0 || part >= 0)) select(whole >= 0 ? whole : part);
      });
      tools?.append(make("label", {}, "Find ", find));
    }

    host.querySelector(".fv-sheet__preview")?.append(large, told);
    tilesBox.replaceChildren(board);
    FV.rove(board, () => order);
    select(0, false);
    const slugs = labels.map(FV.slug);
    FV.subjects((value) => {
      if (slugs.includes(value)) select(slugs.indexOf(value), false);
    });
    FV.follow(host, (key) => {
      const index = slugs.indexOf(key);
      if (index < 0) return;
      select(index, false);
      tiles[index].focus({ preventScroll: true });
    });
  });
})();
