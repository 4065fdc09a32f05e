// @ts-check
// The enlarged view shared by all figures: one <dialog>, arrow keys to go on, Escape to close.
(() => {
  "use strict";
  const { make } = FV;

  /** @type {HTMLDialogElement | undefined} */
  let dialog;
  /** @type {Picture[]} */
  let items = [];
  let at = 0;
  /** @type {(index: number) => void} */
  let leave = () => {};

  const picture = make("div", { class: "fv-zoom__picture", role: "img" });
  const label = make("strong");
  const note = make("span");
  const link = make("a", { class: "fv-zoom__link" }, "Open");
  const line = make("p", { class: "fv-zoom__label", "aria-live": "polite" }, label, " ", note, " ", link);

  /** @param {number} by */
  function go(by) {
    const next = Math.min(items.length - 1, Math.max(0, at + by));
    if (next === at) return;
    at = next;
    show();
  }

  function show() {
    const item = items[at];
    picture.setAttribute("aria-label", item.label);
    picture.style.cssText = "";
    if (item.shape) {
      FV.cell(picture, item.shape, item.source, item.index ?? 0);
    } else {
      picture.style.backgroundImage = `url("${item.source}")`;
      picture.style.backgroundSize = "100% 100%";
      picture.classList.toggle("fv-pixels", Boolean(item.pixelated));
    }
    const ratio = item.shape ? item.shape.width / item.shape.height : (item.ratio ?? 1);
    picture.style.setProperty("--fv-ratio", String(ratio));
    label.textContent = item.label;
    note.textContent = item.note ?? "";
    link.hidden = !item.link;
    if (item.link) link.setAttribute("href", item.link);
    else link.removeAttribute("href");
    previous.toggleAttribute("disabled", at === 0);
    next.toggleAttribute("disabled", at === items.length - 1);
  }

  const button = (/** @type {string} */ name, /** @type {string} */ sign, /** @type {() => void} */ act) =>
    make("button", { type: "button", class: "fv-button", "aria-label": name, click: act }, sign);
  const previous = button("Previous", "\u2190", () => go(-1));
  const next = button("Next", "\u2192", () => go(1));

  function build() {
    const view = make("dialog", { class: "fv-zoom", "aria-label": "Enlarged picture" },
      picture, line,
      make("div", { class: "fv-zoom__keys" }, previous, next,
        button("Close", "\u00d7", () => view.close())));
    view.addEventListener("keydown", (event) => {
      if (event.key === "ArrowRight") go(1);
      if (event.key === "ArrowLeft") go(-1);
    });
    // The dialog's own box is its padding-free content: a click on it alone hit the backdrop.
    view.addEventListener("click", (event) => event.target === view && view.close());
    view.addEventListener("close", () => leave(at));
    link.addEventListener("click", () => view.close());
    document.body.append(view);
    return view;
  }

  /**
   * Show one of several pictures large.
   * `onclose` is told which was shown last; what lies behind the open dialog cannot take the focus.
   */
  FV.zoom = (all, index, onclose = () => {}) => {
    [items, at, leave] = [all, index, onclose];
    dialog ??= build();
    show();
    dialog.showModal();
  };
})();
