// @ts-check
// The circuit's drawing: pictures of units in columns, lines behind them, keys to walk over both.
(() => {
  "use strict";
  const { make, shape } = FV;
  // As in _circuit.py: width in px and opacity of lines.
  const THINNEST = 0.8, WIDEST = 6, FAINTEST = 0.25, STRONGEST = 0.9;

  /** `show` is told which unit is looked at, and by which line; `back` leads to the one before. */
  FV.circuitStage = (stage, data, circuits, show, back) => {
    const lines = /** @type {SVGElement} */ (stage.querySelector("svg"));
    const columns = [...stage.querySelectorAll(".fv-circuit__column")].reverse();
    const tiles = () => /** @type {HTMLElement[]} */ ([...stage.querySelectorAll(".fv-circuit__unit")]);
    /** The pictures that are there before any sheet is. @type {Map<string, string>} */
    const pictures = new Map();
    for (const tile of tiles()) pictures.set(tile.dataset.unit ?? "", tile.querySelector("img")?.src ?? "");
    /** @type {CircuitGraph} */
    let graph;
    /** @type {{ line: CircuitLine, thin: Element, wide: Element }[]} */
    let drawn = [];
    let looked = "", touched = false;

    /** @param {CircuitUnit} unit */
    function picture(unit) {
      const tile = make("span", { class: "fv-circuit__picture" });
      const early = pictures.get(unit.id), { sprite } = data.layers[unit.layer];
      if (early) tile.style.background = `url("${early}") 0 0 / 100% 100%`;
      else FV.cell(tile, sprite, sprite.source, unit.index);
      return tile;
    }
    /** @param {CircuitLine} line */
    function path(line) {
      const [x1, y1] = graph.place(line.to), [x2, y2] = graph.place(line.from);
      const node = (/** @type {string} */ name) =>
        shape("path", { d: `M${x1} ${y1}C${x1 + 0.5} ${y1} ${x1 + 0.5} ${y2} ${x2} ${y2}`, class: name });
      const thin = node(`fv-circuit__line${line.weight < 0 ? " fv-circuit__line--down" : ""}`);
      thin.style.setProperty("--fv-thick", `${THINNEST + (WIDEST - THINNEST) * line.share}px`);
      thin.style.setProperty("--fv-strong", String(FAINTEST + (STRONGEST - FAINTEST) * line.share));
      const wide = node("fv-circuit__reach");
      wide.addEventListener("pointerenter", () => look(line.from, line));
      return { line, thin, wide };
    }
    /** @param {CircuitUnit} unit */
    function tile(unit) {
      const root = unit === graph.root;
      return make("a", {
        href: `#${unit.id}`, class: `fv-circuit__unit${root ? " fv-circuit__unit--root" : ""}`, "data-unit": unit.id,
        "aria-label": `${unit.label}, ${root ? "taken apart here" : "take apart"}`, "aria-current": root && "true",
        tabindex: root ? 0 : -1, style: `--fv-y:${graph.place(unit)[1]}`,
        focus: () => look(unit),
        pointerenter: (/** @type {PointerEvent} */ event) => event.pointerType === "mouse" && look(unit),
      }, picture(unit), make("span", {}, String(unit.index)));
    }
    /** Take a unit apart. @param {CircuitUnit} root */
    function draw(root) {
      const inside = stage.contains(document.activeElement);
      graph = circuits.graph(root);
      drawn = graph.lines.map(path);
      lines.replaceChildren(...drawn.map((one) => one.thin), ...drawn.map((one) => one.wide));
      for (const old of tiles()) old.remove();
      columns.forEach((column, i) => column.append(...(graph.columns[i] ?? []).map(tile)));
      look(root);
      if (inside) reach(root);
    }
    /** Show what is known of a unit, and which lines are its own.
     * @param {CircuitUnit} unit @param {CircuitLine} [only] */
    function look(unit, only) {
      const quiet = unit === graph.root && !only;
      looked = unit.id;
      stage.classList.toggle("fv-circuit--looking", !quiet);
      for (const { line, thin } of drawn)
        thin.classList.toggle("fv-on", only ? line === only : line.from === unit || line.to === unit);
      for (const one of tiles()) one.classList.toggle("fv-on", !quiet && one.dataset.unit === unit.id);
      show(graph, unit, only);
    }
    const reach = (/** @type {CircuitUnit} */ unit) =>
      tiles().find((one) => one.dataset.unit === unit.id)?.focus({ preventScroll: true });
    const unitOf = (/** @type {EventTarget | null} */ target) =>
      circuits.unit(/** @type {Element | null} */ (target)?.closest?.("[data-unit]")?.getAttribute("data-unit") ?? "");

    /** The unit that a key leads to. @param {CircuitUnit} unit @param {string} key */
    function next(unit, key) {
      const column = graph.columns[unit.layer] ?? [], at = column.indexOf(unit);
      if (key === "ArrowUp") return column[at - 1];
      if (key === "ArrowDown") return column[at + 1];
      if (key === "Home") return graph.root;
      if (key !== "ArrowLeft" && key !== "ArrowRight") return undefined;
      const side = graph.columns[unit.layer + (key === "ArrowLeft" ? 1 : -1)] ?? [];
      const away = (/** @type {CircuitUnit} */ one) => Math.abs(graph.place(one)[1] - graph.place(unit)[1]);
      return [...side].sort((a, b) => away(a) - away(b))[0];
    }
    stage.addEventListener("keydown", (event) => {
      const unit = unitOf(event.target);
      if (!unit || event.altKey || event.ctrlKey || event.metaKey) return;
      const other = next(unit, event.key);
      if (other) reach(other);
      if (other || (event.key === "Backspace" && back())) event.preventDefault();
    });
    stage.addEventListener("focusin", (event) => {
      for (const one of tiles()) one.tabIndex = one === event.target ? 0 : -1; // one tab stop for all
    });
    // Where nothing can hover, a first touch shows a unit, and a second one takes it apart.
    stage.addEventListener("pointerdown", (event) => {
      touched = event.pointerType === "touch" && unitOf(event.target)?.id !== looked;
    });
    stage.addEventListener("click", (event) => {
      const unit = unitOf(event.target);
      if (!unit || !touched || !event.detail) return;
      event.preventDefault();
      touched = false;
      look(unit);
    });
    stage.addEventListener("pointerleave", () => look(unitOf(document.activeElement) ?? graph.root));
    return { draw, picture, root: () => graph.root };
  };
})();
