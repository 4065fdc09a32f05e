// @ts-check
// <fv-switches>: improvements switched on and off; the image and score of each combination.
(() => {
  "use strict";
  const { make } = FV;

  FV.define("fv-switches", (host, data) => {
    const strips = /** @type {HTMLImageElement[]} */ ([...host.querySelectorAll(".fv-switches__all img")]);
    const slugs = data.labels.map(FV.slug);
    const { states } = data;
    let at = states.length - 1; // with everything on: the reader takes away
    let unit = 0;

    const boxes = data.names.map((name, i) => {
      const box = make("input", { type: "checkbox" });
      box.addEventListener("change", () => {
        at = nearest(i, box.checked);
        show();
        link();
      });
      const note = make("span", {}, data.notes[i] ?? "");
      return { box, line: make("label", { class: "fv-switch" }, box, make("strong", {}, name), note) };
    });

    const large = make("button", { type: "button", class: "fv-switches__large", click: zoom });
    const words = make("output", { class: "fv-switches__told" });
    const bar = make("span", { class: "fv-inspector__bar", "aria-hidden": "true" });
    const thumbs = data.labels.map((label, i) =>
      make("button", { type: "button", class: "fv-unit", "aria-label": label, click: () => {
        choose(i);
        FV.pick(slugs[i]);
        link();
      } }));
    const strip = make("div", { class: "fv-switches__units", role: "group", "aria-label": "Unit" }, ...thumbs);
    FV.rove(strip, () => thumbs);

    /** The state with one switch set that differs least from the present one.
     * @param {number} index @param {boolean} on */
    function nearest(index, on) {
      const goal = [...states[at]];
      goal[index] = on ? "1" : "0";
      let best = at, least = Infinity;
      states.forEach((state, i) => {
        const away = goal.filter((bit, j) => bit !== state[j]).length;
        if (state[index] === goal[index] && away < least) [best, least] = [i, away];
      });
      return best;
    }
    const note = (/** @type {number} */ state, /** @type {number} */ u) =>
      `${data.scoreName} ${FV.number(data.scores[state][u])}`;

    function show() {
      const source = strips[at].src;
      boxes.forEach(({ box }, i) => (box.checked = states[at][i] === "1"));
      FV.cell(large, data.sprite, source, unit);
      large.setAttribute("aria-label", `Enlarge ${data.labels[unit]}, ${note(at, unit)}`);
      thumbs.forEach((thumb, i) => {
        FV.cell(thumb, data.sprite, source, i);
        thumb.setAttribute("aria-pressed", String(i === unit));
        thumb.tabIndex = i === unit ? 0 : -1;
      });
      const top = Math.max(...data.scores.map((row) => row[unit]));
      const share = top > 0 ? Math.max(0, data.scores[at][unit] / top) : 0;
      bar.style.setProperty("--fv-share", String(share));
      words.replaceChildren(
        make("strong", {}, data.labels[unit]), ` \u00b7 ${note(at, unit)}, `,
        `${Math.round(100 * share)}% of the best combination`,
      );
    }
    /** @param {number} index */
    function choose(index) {
      unit = index;
      show();
    }
    const link = () => FV.remember(host, `${states[at]}:${slugs[unit]}`);
    function zoom() {
      const items = data.labels.map((label, index) => ({
        label, source: strips[at].src, shape: data.sprite, index, note: note(at, index),
      }));
      FV.zoom(items, unit, choose);
    }

    host.querySelector(".fv-switches__panel")?.append(...boxes.map((b) => b.line));
    host.querySelector(".fv-switches__stage")?.append(large, words, bar, strip);
    show();
    FV.subjects((value) => {
      if (slugs.includes(value)) choose(slugs.indexOf(value));
    });
    FV.follow(host, (key) => {
      const [state, name] = key.split(":");
      if (states.includes(state)) at = states.indexOf(state);
      if (slugs.includes(name)) unit = slugs.indexOf(name);
      show();
    });
  });
})();
