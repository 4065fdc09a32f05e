// @ts-check
// The brush: gray or blur over a part of the photo, in strokes that can be taken back.
(() => {
  "use strict";
  const { make } = FV;
  const { canvas } = LivePage;
  // Pixels of the photo: the brush's radius at first, its ends, and what a key adds.
  const RADIUS = 20, SMALLEST = 4, LARGEST = 80, STEP = 4;
  // ImageNet's mean color, which is zero to the network.
  const GRAY = "rgb(124 116 104)";
  // Times that a blurred picture's side is halved, and doubled again.
  const HALVINGS = 4;

  /** @param {HTMLCanvasElement} picture @param {number} side */
  function blurred(picture, side) {
    let from = picture;
    const sides = Array.from({ length: HALVINGS }, (_, i) => side / 2 ** (i + 1));
    for (const next of [...sides, ...sides.slice(0, -1).reverse(), side]) {
      const [to, context] = canvas(Math.round(next));
      context.drawImage(from, 0, 0, to.width, to.height);
      from = to;
    }
    return from;
  }

  /** What was blurred of which photo. @type {WeakMap<LiveImage, HTMLCanvasElement>} */
  const blurs = new WeakMap();

  /** @type {LivePage["render"]} */
  LivePage.render = (photo, strokes, context, side) => {
    context.putImageData(FeatvizLive.toImageData(photo), 0, 0);
    if (strokes.some(({ kind }) => kind === "blur") && !blurs.has(photo)) {
      const [whole, on] = canvas(side);
      on.putImageData(FeatvizLive.toImageData(photo), 0, 0);
      blurs.set(photo, blurred(whole, side));
    }
    for (const { kind, radius, points } of strokes) {
      const [mask, on] = canvas(side);
      on.scale(side, side);
      [on.lineWidth, on.lineCap, on.lineJoin, on.strokeStyle] = [2 * radius, "round", "round", GRAY];
      on.moveTo(...points[0]);
      // A line without length would have no ends, and they are the dab.
      for (const [x, y] of points) on.lineTo(x + 1e-6, y);
      on.stroke();
      const blur = blurs.get(photo);
      if (kind === "blur" && blur) {
        on.resetTransform();
        on.globalCompositeOperation = "source-in";
        on.drawImage(blur, 0, 0);
      }
      context.drawImage(mask, 0, 0);
    }
  };

  /** @type {LivePage["painted"]} */
  LivePage.painted = (photo, strokes) => {
    if (!strokes.length) return photo;
    const side = photo.width;
    const [, context] = canvas(side);
    LivePage.render(photo, strokes, context, side);
    const { data } = context.getImageData(0, 0, side, side);
    const area = side * side;
    const pixels = Float32Array.from({ length: 3 * area }, (_, i) =>
      data[4 * (i % area) + Math.floor(i / area)] / 255);
    return { pixels, height: side, width: side };
  };

  /** @type {LivePage["brush"]} */
  LivePage.brush = (side, change) => {
    /** @type {Stroke[]} */
    let strokes = [];
    /** @type {("gray" | "blur" | null)[]} */
    const kinds = [null, "gray", "blur"];
    let kind = kinds[0];
    const { group, press } = FV.choice("What the pointer does", ["Look", "Paint gray", "Blur"], (i) => {
      kind = kinds[i];
      press(i);
      change();
    });
    press(0);
    const size = make("input", {
      type: "range", min: SMALLEST, max: LARGEST, step: STEP, value: RADIUS, "aria-label": "Size of the brush",
      input: () => change(),
    });
    const set = (/** @type {Stroke[]} */ next) => {
      strokes = next;
      undo.toggleAttribute("disabled", !strokes.length);
      clear.toggleAttribute("disabled", !strokes.length);
      change();
    };
    const share = (/** @type {[number, number]} */ [x, y]) => /** @type {[number, number]} */ ([x / side, y / side]);
    const button = (/** @type {string} */ name, /** @type {() => void} */ act) =>
      make("button", { type: "button", class: "fv-button", disabled: true, click: act }, name);
    const undo = button("Undo", () => set(strokes.slice(0, -1)));
    const clear = button("Clear", () => set([]));
    return {
      tools: make("div", { class: "fv-photo__tools" }, group,
        make("label", { class: "fv-photo__size" }, "Size ", size), make("span", {}, undo, clear)),
      get kind() { return kind; },
      get radius() { return Number(size.value); },
      get strokes() { return strokes; },
      begin(at) {
        kind ??= "gray";
        press(kinds.indexOf(kind));
        set([...strokes, { kind, radius: Number(size.value) / side, points: [share(at)] }]);
      },
      extend(at) {
        strokes.at(-1)?.points.push(share(at));
        change();
      },
      grow(by) {
        size.value = String(Number(size.value) + by * STEP);
        change();
      },
      clear: () => set([]),
    };
  };
})();
