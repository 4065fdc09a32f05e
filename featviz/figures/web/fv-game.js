// @ts-check
// <fv-game>: one question after the other; the score lives in the page and nowhere else.
(() => {
  "use strict";
  const { make } = FV;
  const SIDES = ["left", "right"];

  FV.define("fv-game", (host, { rounds, machine }) => {
    const list = /** @type {HTMLElement} */ (host.querySelector(".fv-game"));
    const items = /** @type {HTMLElement[]} */ ([...list.querySelectorAll(".fv-game__round")]);
    /** @type {number[]} */
    let given = [];
    const told = make("p", { class: "fv-game__told", "aria-live": "polite" });
    const next = make("button", { type: "button", class: "fv-button fv-reset", click: advance }, "Next");
    const foot = make("div", { class: "fv-game__foot" }, told, next);
    let at = 0;

    const choices = items.map((item, round) =>
      [...item.querySelectorAll(".fv-game__side")].map((side, which) => {
        const button = make("button", {
          type: "button", class: "fv-game__side", click: () => choose(which),
          "aria-label": `The photographs on the ${SIDES[which]}, round ${round + 1} of ${items.length}`,
        }, ...side.childNodes);
        side.replaceWith(button);
        return button;
      }));
    items.forEach((item) => FV.rove(item, () => [.../** @type {NodeListOf<HTMLElement>} */ (item.querySelectorAll("button"))]));

    /** @param {number} which */
    function choose(which) {
      if (given.length > at) return;
      const { right, machine: other } = rounds[at];
      given.push(which);
      choices[at].forEach((button, side) => {
        button.classList.toggle("fv-game__side--right", side === right);
        button.classList.toggle("fv-game__side--wrong", side === which && side !== right);
        button.setAttribute("aria-disabled", "true");
      });
      const answer = items[at].querySelector(".fv-game__answer a");
      told.replaceChildren(
        make("strong", {}, which === right ? "Right." : "Wrong."), " It is ",
        ...(answer ? [answer.cloneNode(true)] : []),
        `; ${machine} was ${other === right ? "right" : "wrong"}. ${score()}`,
      );
      next.textContent = at + 1 < rounds.length ? "Next" : "The result";
      next.hidden = false;
      next.focus({ preventScroll: true });
    }
    /** @param {(round: Payloads["fv-game"]["rounds"][number], index: number) => boolean} test */
    const count = (test) => rounds.slice(0, given.length).filter(test).length;
    const yours = () => count((one, i) => given[i] === one.right);
    const its = () => count((one) => one.machine === one.right);
    const score = () => `After ${given.length}: you ${yours()}, ${machine} ${its()}, a coin ${FV.number(given.length / 2)}.`;

    function advance() {
      at += 1;
      if (at > rounds.length) return start();
      draw();
      if (at < rounds.length) choices[at][0].focus({ preventScroll: true });
    }
    function start() {
      [at, given] = [0, []];
      choices.flat().forEach((button) => {
        button.classList.remove("fv-game__side--right", "fv-game__side--wrong");
        button.removeAttribute("aria-disabled");
      });
      draw();
      choices[0][0].focus({ preventScroll: true });
    }
    function draw() {
      items.forEach((item, i) => (item.hidden = i !== at));
      const over = at === rounds.length;
      next.hidden = !over;
      next.textContent = "Play again";
      if (over) told.replaceChildren(...result());
      else told.replaceChildren(`Round ${at + 1} of ${rounds.length}. Which photographs excite the unit whose picture this is?`);
    }
    function result() {
      const groups = [...new Set(rounds.map((one) => one.group))].sort();
      return [
        make("strong", {}, `You were right in ${yours()} of ${rounds.length} rounds, ${machine} in ${its()}; a coin is in half.`),
        " ", groups.map((group) => {
          const all = rounds.filter((one) => one.group === group).length;
          return `${group}: you ${count((one, i) => one.group === group && given[i] === one.right)} of ${all}`;
        }).join(", "), ".",
      ];
    }
    list.after(foot);
    draw();
  });
})();
