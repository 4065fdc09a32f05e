// @ts-check
// One unit: how strongly it answers, its map, what made it answer, and where to read more of it.
(() => {
  "use strict";
  const { make } = FV;

  /** @type {LivePage["unit"]} */
  LivePage.unit = ({ layers, microscope, circuits }, view, close) => {
    const picture = make("span", { class: "fv-photo__large", role: "img" });
    const title = make("strong", { class: "fv-photo__title" });
    const told = make("p", {});
    const links = make("p", { class: "fv-photo__links" });
    const kinds = /** @type {const} */ (["map", "cause"]);
    const { group, press } = FV.choice("On the photo", ["Where it answers", "What made it answer"], (i) => view(kinds[i]));
    const shut = make("button", { type: "button", class: "fv-button", click: close }, "Close");
    const panel = make("div", { class: "fv-photo__panel", role: "region", "aria-label": "The unit chosen", hidden: true },
      picture, make("div", {}, title, told, links), make("div", { class: "fv-photo__views" }, group, shut));
    return {
      panel,
      show(unit, where, kind) {
        panel.hidden = !unit;
        if (!unit) return;
        const { layer, sprite } = layers[unit.layer];
        const label = `${layer}:${unit.unit}`;
        FV.cell(picture, sprite, sprite.source, unit.unit);
        picture.setAttribute("aria-label", `What excites ${label} most`);
        title.textContent = label;
        const now = unit.after === null ? "" : `, and ${LivePage.signed(unit.after)} after painting`;
        told.textContent = `${LivePage.signed(unit.score)} deviations from its mean over the article's photographs ${where}${now}.`;
        const key = FV.slug(label);
        links.replaceChildren(
          ...(microscope ? [make("a", { href: `${microscope}#${key}` }, "In the microscope")] : []),
          ...(circuits ? [make("a", { href: `${circuits}#${key}` }, "Its circuit")] : []));
        press(kinds.indexOf(kind));
      },
    };
  };
})();
