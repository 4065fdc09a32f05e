// @ts-check
// The photo: painted over, with a map laid on it, and the cross-hair with the fields to scale.
(() => {
  "use strict";
  const { make, shape } = FV;

  /** @type {LivePage["stage"]} */
  LivePage.stage = (place, { side, shown, layers, colors }) => {
    const [picture, onPicture] = LivePage.canvas(shown);
    const [map, onMap] = LivePage.canvas(shown);
    picture.className = "fv-photo__picture";
    map.className = "fv-photo__map-layer";
    for (const canvas of [picture, map]) canvas.setAttribute("aria-hidden", "true");

    const lines = shape("svg", { viewBox: `0 0 ${side} ${side}`, class: "fv-photo__lines", "aria-hidden": "true" });
    const area = make("div", {
      class: "fv-photo__area", tabindex: 0, role: "group",
      "aria-label": "The photo: move the cross-hair with the arrow keys, paint at it with Space, change the " +
        "brush with plus and minus, go back to the whole photo with Escape",
    }, picture, map, lines);
    place.replaceChildren(area);

    /** @type {LiveImage | undefined} */
    let photo;
    const paint = (/** @type {Stroke[]} */ strokes) => photo && LivePage.render(photo, strokes, onPicture, shown);
    return {
      area,
      picture,
      show(next) {
        photo = next;
        paint([]);
      },
      paint,
      lay(values) {
        onMap.clearRect(0, 0, shown, shown);
        area.classList.toggle("fv-photo__area--mapped", values !== null);
        if (!values) return;
        LivePage.cover(onMap, values, colors, side);
      },
      aim(at, which, radius) {
        lines.replaceChildren();
        area.classList.toggle("fv-photo__area--painting", radius > 0); // a finger paints, and scrolls nothing
        if (!at) return;
        const [x, y] = at;
        for (const index of which) {
          const { sees, stride, start } = layers[index];
          const snap = (/** @type {number} */ value) => start + stride * Math.round((value - start) / stride);
          lines.append(shape("rect", {
            x: snap(x) - sees / 2, y: snap(y) - sees / 2, width: sees, height: sees,
            class: "fv-photo__field", style: `--fv-color:var(--fv-layer-${index + 1})`,
          }));
        }
        for (const [dx, dy] of [[1, 0], [0, 1]]) {
          const line = { x1: x - 9 * dx, x2: x + 9 * dx, y1: y - 9 * dy, y2: y + 9 * dy };
          lines.append(shape("line", { ...line, class: "fv-photo__cross fv-photo__cross--under" }),
            shape("line", { ...line, class: "fv-photo__cross" }));
        }
        if (radius) lines.append(shape("circle", { cx: x, cy: y, r: radius, class: "fv-photo__brush" }));
      },
      at(event) {
        const box = area.getBoundingClientRect();
        const inside = (/** @type {number} */ share) => Math.min(side, Math.max(0, share * side));
        return [inside((event.clientX - box.left) / box.width), inside((event.clientY - box.top) / box.height)];
      },
    };
  };
})();
