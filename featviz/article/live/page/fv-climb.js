// @ts-check
// <fv-climb>: gradient ascent in the page, step by step, for a unit of the reader's choice.
(() => {
  "use strict";
  const { make } = FV;
  const WAYS = /** @type {const} */ (["pixels", "spectrum", "bound"]);

  /** The unit that is climbed: layer, number, or one of those that are shown.
   * @param {Payloads["fv-climb"]} data @param {(layer: LiveLayerName, unit: number) => void} choose */
  function picker({ layers, picks }, choose) {
    const layer = make("select", { class: "fv-select", "aria-label": "Layer", change: () => take() },
      ...Object.keys(layers).map((name) => make("option", { value: name }, name)));
    const unit = make("input", { type: "number", class: "fv-find", min: 0, step: 1, "aria-label": "Unit", change: () => take() });
    const tiles = picks.labels.map((label, i) => {
      const tile = make("button", {
        type: "button", class: "fv-unit", title: label, "aria-label": label, click: () => {
          const [name, number] = label.split(":");
          choose(/** @type {LiveLayerName} */ (name), Number(number));
        },
      });
      FV.cell(tile, picks.sprite, picks.source, i);
      return tile;
    });
    const shelf = make("div", { class: "fv-climb__picks", role: "group", "aria-label": "Some units" }, ...tiles);
    FV.rove(shelf, () => tiles);
    function take() {
      const name = /** @type {LiveLayerName} */ (layer.value);
      const number = Math.round(Number(unit.value));
      choose(name, Math.min(layers[name] - 1, Math.max(0, number || 0)));
    }
    /** @param {LiveLayerName} name @param {number} number */
    function show(name, number) {
      [layer.value, unit.value, unit.max] = [name, String(number), String(layers[name] - 1)];
      tiles.forEach((tile, i) => tile.setAttribute("aria-pressed", String(picks.labels[i] === `${name}:${number}`)));
    }
    return { element: make("div", { class: "fv-climb__unit" }, shelf, make("span", {}, layer, " : ", unit)), show };
  }

  FV.define("fv-climb", (host, data) => {
    const poster = /** @type {HTMLImageElement} */ (host.querySelector(".fv-climb__poster"));
    let [layer, unit] = data.unit;
    let [way, transforms, own] = [WAYS.length - 1, true, false];
    /** @type {LiveClimb | undefined} */
    let climb;
    /** @type {number[]} */
    let values = [];
    let turn = 0; // of the climbs: what an earlier one tells is dropped

    const canvas = make("canvas", { class: "fv-climb__canvas", role: "img", hidden: true });
    const first = make("img", { class: "fv-climb__canvas", src: poster.src, alt: poster.alt });
    const status = make("p", { class: "fv-climb__told", role: "status" });
    const alert = make("p", { class: "fv-photo__alert", role: "alert" });
    const count = make("p", { class: "fv-climb__count" });
    const { element, draw } = LivePage.curve("value of the unit");
    const units = picker(data, (name, number) => {
      [layer, unit] = [name, number];
      restart();
    });
    const link = make("a", {}, "In the microscope");

    const button = (/** @type {string} */ name, /** @type {() => void} */ act) =>
      make("button", { type: "button", class: "fv-button fv-climb__button", click: act }, name);
    const play = button("", () => (climb?.playing ? pause() : go((one) => one.play())));
    const step = button("Step", () => go((one) => one.step()));
    const again = button("Restart", () => restart());

    /** A row of buttons under a name. @param {string} name @param {string[]} choices @param {number} pressed
     * @param {(index: number) => void} set */
    function choice(name, choices, pressed, set) {
      const { group, press } = FV.choice(name, choices, (i) => {
        press(i);
        set(i);
        restart();
      });
      press(pressed);
      return make("div", { class: "fv-climb__choice" }, make("span", { "aria-hidden": true }, name), group);
    }
    const image = choice("What is moved", ["each pixel", "the spectrum", "the spectrum, bounded"], way, (i) => (way = i));
    const shaken = choice("Before each step", ["shift, turn and zoom", "nothing"], 0, (i) => (transforms = i === 0));
    const start = choice("Start from", ["noise", "my photo"], 0, (i) => (own = i === 1));

    /** @param {unknown} error */
    function fail(error) {
      status.textContent = "";
      alert.textContent = LivePage.sentence(error);
      label();
    }
    function label() {
      play.textContent = climb?.playing ? "\u275a\u275a Pause" : "\u25b6 Play";
    }
    function pause() {
      climb?.pause();
      label();
      status.textContent = `Paused at step ${values.length}.`;
    }
    /** Whether this is the run that the build has made too. */
    const same = () => layer === data.unit[0] && unit === data.unit[1] && way === WAYS.length - 1 && transforms && !own;
    const show = (/** @type {number} */ steps) => draw(values, same() ? data.curve : [], steps);

    /** What is over begins anew. @param {(one: LiveClimb) => void} what */
    function go(what) {
      if (values.length >= data.steps) restart();
      act(what);
    }
    /** Do something with the climb, after making one if there is none. @param {(one: LiveClimb) => void} what */
    async function act(what) {
      const mine = turn;
      alert.textContent = "";
      try {
        const trunk = await LivePage.open((words) => (status.textContent = words));
        if (own && !LivePage.source) throw new Error("There is no photo yet: give one in the figure above.");
        const photo = own && LivePage.source ? await trunk.photo(LivePage.source, data.side) : null;
        if (mine !== turn) return;
        climb ??= trunk.climb({
          goal: { layer, unit, relu: layer === "conv1" }, parameterization: WAYS[way], transforms,
          steps: data.steps, side: data.side, start: photo,
        }, (told) => mine === turn && grow(told));
        what(climb);
        label();
        status.textContent = `Climbing ${layer}:${unit}.`;
        await climb.finished;
        if (mine === turn) label();
      } catch (error) {
        if (mine === turn) fail(error);
      }
    }
    /** @param {LiveStep} told */
    function grow(told) {
      const { image: { width, height }, image } = told;
      if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
      canvas.getContext("2d")?.putImageData(FeatvizLive.toImageData(image), 0, 0);
      [canvas.hidden, first.hidden] = [false, true];
      if (told.value !== null) values.push(told.value);
      canvas.setAttribute("aria-label", `${layer}:${unit} after step ${told.step}`);
      const value = told.score ?? told.value;
      count.replaceChildren("step ", make("strong", {}, String(told.step)), ` of ${told.steps}`,
        ...(value === null ? [] : [" \u00b7 value ", make("strong", {}, FV.number(value))]));
      show(told.steps);
      if (told.step < told.steps) return;
      status.textContent = `The climb of ${layer}:${unit} has ended with ${FV.number(value ?? 0)}.`;
    }
    function restart() {
      const playing = climb?.playing;
      turn++;
      climb?.stop();
      [climb, values] = [undefined, []];
      units.show(layer, unit);
      link.setAttribute("href", `${data.microscope}#${FV.slug(`${layer}:${unit}`)}`);
      count.replaceChildren("step ", make("strong", {}, "0"), ` of ${data.steps}`);
      [status.textContent, alert.textContent] = ["", ""];
      show(data.steps);
      label();
      if (playing) act((one) => one.play());
    }

    host.querySelector(".fv-climb__live")?.replaceChildren(
      make("div", { class: "fv-climb__stage" }, canvas, first,
        make("div", { class: "fv-climb__buttons" }, play, step, again, count)),
      make("div", { class: "fv-climb__side" }, units.element, image, shaken, start, element, status, alert,
        ...(data.microscope ? [make("p", {}, link)] : [])));
    restart();
  });
})();
