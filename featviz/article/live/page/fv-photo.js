// @ts-check
// <fv-photo>: AlexNet's trunk on the reader's own photo, in the page.
(() => {
  "use strict";
  const { make } = FV;
  // Pixels of the photo that an arrow key moves the cross-hair, and with Shift.
  const STEP = 4, LEAP = 16;
  const KEYS = "On the photo, arrow keys move the cross-hair, Space paints at it, + and \u2212 change the brush, " +
    "and Escape shows the whole photo again.";

  FV.define("fv-photo", (host, data) => {
    const figure = /** @type {HTMLElement} */ (host.querySelector(".fv-photo"));
    const still = /** @type {HTMLElement} */ (figure.querySelector(".fv-photo__still"));
    const all = data.layers.map((_, i) => i);
    /** The photo, its values, and those after painting. @type {LiveTrunk | undefined} */
    let trunk;
    /** @type {LiveImage | undefined} */
    let photo;
    /** @type {Record<string, LiveMaps> | undefined} */
    let clean;
    /** @type {Record<string, LiveMaps> | undefined} */
    let now;
    /** The cross-hair, and whether the lists are about its place. @type {[number, number]} */
    let at = [data.side / 2, data.side / 2];
    let here = false;
    /** @type {PhotoView | null} */
    let view = null;
    let turn = 0; // of the photos: what was asked for an earlier one is dropped
    let [busy, again, waiting] = [false, false, 0];

    const status = make("p", { class: "fv-photo__status", role: "status" });
    const alert = make("p", { class: "fv-photo__alert", role: "alert" });
    const tell = (/** @type {string} */ words) => (status.textContent = words);
    const fail = (/** @type {unknown} */ error) => {
      tell("");
      alert.textContent = LivePage.sentence(error);
    };
    const place = make("div", { class: "fv-photo__stage" });
    const list = make("div", { class: "fv-photo__rows" });
    const stage = LivePage.stage(place, data);
    const rows = LivePage.rows(list, data, (layer, unit) => choose({ layer, unit, kind: "map" }));
    const brush = LivePage.brush(data.side, () => {
      stage.paint(brush.strokes);
      aim();
      run();
    });
    const unit = LivePage.unit(data, (kind) => choose(view && { ...view, kind }), () => choose(null));
    const { group, press } = FV.choice("Strongest units", ["In the whole photo", "At the cross-hair"], (i) => {
      tell("");
      about(i === 1);
    });
    const live = make("div", { class: "fv-photo__live", hidden: true },
      make("div", {}, place, brush.tools, make("p", { class: "fv-photo__keys" }, KEYS)), make("div", {}, group, list), unit.panel);
    const door = LivePage.door(data, host, give, fail);
    const begin = make("button", {
      type: "button", class: "fv-photo__act fv-photo__begin", click: () => door.sample(data.samples[0].name),
    }, "\u25b6 Run AlexNet on this photo");
    figure.querySelector(".fv-photo__entry")?.replaceChildren(door.element, status, alert);
    still.querySelector(".fv-photo__stage")?.append(begin);
    figure.append(live);

    /** @param {Blob | HTMLCanvasElement} source @param {string} label */
    async function give(source, label) {
      const mine = ++turn;
      alert.textContent = "";
      try {
        trunk = await LivePage.open(tell);
        tell(`Reading ${label}\u2026`);
        const [large, small] = await Promise.all([trunk.photo(source, data.shown), trunk.photo(source, data.side)]);
        const maps = await trunk.forward(small);
        if (mine !== turn) return;
        [photo, clean, now, LivePage.source] = [small, maps, maps, source];
        stage.show(large);
        const first = live.hidden;
        [live.hidden, host.dataset.live] = [false, "true"];
        brush.clear();
        choose(null);
        about(false);
        if (first && still.contains(document.activeElement)) stage.area.focus({ preventScroll: true });
        tell(`AlexNet has seen ${label}.`);
      } catch (error) {
        if (mine === turn) fail(error);
      }
    }

    /** The network once more, on what was painted: one run at a time, and the last one counts. */
    async function run() {
      again = busy;
      if (!trunk || !photo || busy) return;
      busy = true;
      const mine = turn;
      try {
        const maps = brush.strokes.length ? await trunk.forward(LivePage.painted(photo, brush.strokes)) : clean;
        if (mine === turn) now = maps;
        draw(true);
        lay();
      } catch (error) {
        fail(error);
      }
      busy = false;
      if (again) run();
    }

    /** @param {number} i the layer @param {Record<string, LiveMaps>} from */
    function scores(i, from) {
      const { layer } = data.layers[i], maps = from[layer];
      const [row, column] = LivePage.place(data.layers[i], maps, at);
      return LivePage.scores(maps, /** @type {LiveTrunk} */ (trunk).usual[layer], here ? row * maps.width + column : null);
    }
    /** The strongest units of a layer, and the one that is looked at. @param {number} i */
    function strongest(i) {
      if (!clean || !now || !trunk) return { list: [], one: null };
      const before = scores(i, clean), after = now === clean ? null : scores(i, now);
      const compare = (/** @type {Strong} */ strong) => ({ ...strong, after: after && after[strong.unit] });
      const chosen = view?.layer === i ? view.unit : null;
      return {
        list: LivePage.strongest(i, before, data.count).map(compare),
        one: chosen === null ? null : compare({ layer: i, unit: chosen, score: before[chosen], after: null }),
      };
    }
    /** @param {boolean} [anew] whether the maps have changed */
    function draw(anew = false) {
      if (!now || !trunk) return;
      const { usual } = trunk, maps = now, lists = all.map(strongest);
      if (anew) rows.paint(data.layers.map((layer) => LivePage.layerMap(maps[layer.layer], usual[layer.layer], layer)), stage.picture);
      rows.draw(lists.map((each) => each.list));
      rows.press(view);
      const one = lists.find((each) => each.one)?.one ?? null;
      unit.show(one, here ? "at the cross-hair" : "in the whole photo", view?.kind ?? "map");
    }
    async function lay() {
      const shown = view, mine = turn;
      if (!now || !trunk || !photo || !shown) return stage.lay(null);
      const layer = data.layers[shown.layer], maps = now[layer.layer];
      if (shown.unit === null) return stage.lay(LivePage.layerMap(maps, trunk.usual[layer.layer], layer));
      if (shown.kind === "map") return stage.lay(LivePage.unitMap(maps, shown.unit, layer));
      const place = here ? LivePage.place(layer, maps, at) : null;
      const goal = { layer: layer.layer, unit: shown.unit, at: place, relu: !place };
      try {
        const { gradient } = await trunk.gradient(LivePage.painted(photo, brush.strokes), goal);
        if (mine === turn && view === shown) stage.lay(LivePage.causeMap(gradient, data.side));
      } catch (error) {
        fail(error);
      }
    }

    /** Lay something else over the photo; the same map once more takes it away.
     * @param {PhotoView | null} next */
    function choose(next) {
      view = next && next.unit === null && view?.layer === next.layer && view.unit === null ? null : next;
      aim();
      draw();
      lay();
    }
    /** Let the lists be about the place at the cross-hair, or the whole photo. @param {boolean} spot */
    function about(spot) {
      here = spot;
      press(spot ? 1 : 0);
      aim();
      draw();
      if (view?.kind === "cause") lay();
    }
    function aim() {
      const fields = here ? (view ? [view.layer] : all) : [];
      stage.aim(here || brush.kind ? at : null, fields, brush.kind ? brush.radius : 0);
    }
    /** @param {[number, number]} next */
    function go(next) {
      at = /** @type {[number, number]} */ (next.map((value) => Math.min(data.side, Math.max(0, value))));
      waiting ||= requestAnimationFrame(() => {
        waiting = 0;
        about(true);
      });
    }
    /** Go there by key, and say what is there. @param {number} dx @param {number} dy */
    function walk(dx, dy) {
      go([at[0] + dx, at[1] + dy]);
      here = true;
      const best = all.map((i) => strongest(i).list[0]).map(({ layer, unit: number, score }) =>
        `${data.layers[layer].layer}:${number} ${LivePage.signed(score)}`);
      tell(`${at[0]} pixels from the left, ${at[1]} from the top: ${best.join(", ")}.`);
    }

    stage.area.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const by = event.shiftKey ? LEAP : STEP;
      /** @type {Record<string, () => void>} */
      const keys = {
        ArrowLeft: () => walk(-by, 0), ArrowRight: () => walk(by, 0), ArrowUp: () => walk(0, -by), ArrowDown: () => walk(0, by),
        " ": () => brush.begin(at), "+": () => brush.grow(1), "=": () => brush.grow(1), "-": () => brush.grow(-1),
        Escape: () => about(false),
      };
      if (!keys[event.key] || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      keys[event.key]();
    });
    stage.area.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
      const painting = brush.kind && stage.area.hasPointerCapture(event.pointerId);
      if (painting) brush.extend(stage.at(event));
      if (painting || event.pointerType === "mouse" || event.buttons) go(stage.at(event));
    });
    stage.area.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      if (event.button) return;
      go(stage.at(event));
      if (!brush.kind) return;
      stage.area.setPointerCapture(event.pointerId);
      brush.begin(stage.at(event));
    });
    FV.follow(host, (name) => void door.sample(name));
  });
})();
