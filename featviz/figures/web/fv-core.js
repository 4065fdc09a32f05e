// @ts-check
// What all figures share: defining an element, building DOM, sprites, moving by key, links to a
// state. A classic script, because modules do not load from file://. Loaded before the others.
(() => {
  "use strict";

  /**
   * Make an element; attributes that are null or false are left out, functions listen.
   * @param {string} name
   * @param {Record<string, any>} [attributes]
   * @param {...(Node | string)} children
   * @returns {HTMLElement}
   */
  function make(name, attributes = {}, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value === null || value === false) continue;
      if (typeof value === "function") node.addEventListener(key, value);
      else node.setAttribute(key, value === true ? "" : String(value));
    }
    node.append(...children);
    return node;
  }

  /** The same words as the Python side's slug(). @param {string} label */
  const slug = (label) =>
    label.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "item";

  /** A number for readers, three significant digits. @param {number} value */
  function number(value) {
    const size = Math.abs(value);
    const shown =
      value !== 0 && size < 1e-6
        ? value.toExponential(1)
        : size >= 100
          ? Math.round(value).toLocaleString("en-US")
          : String(Number(value.toPrecision(3)));
    return shown.replace("-", "\u2212");
  }

  /**
   * Show one cell of a sprite as the background of a node.
   * @param {HTMLElement} node
   * @param {{columns: number, rows: number, pixelated: boolean}} shape
   * @param {string} source
   * @param {number} index
   */
  function cell(node, shape, source, index) {
    const { columns, rows } = shape;
    const x = index % columns;
    const y = Math.floor(index / columns);
    node.style.backgroundImage = `url("${source}")`;
    node.style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
    node.style.backgroundPosition =
      `${columns > 1 ? (100 * x) / (columns - 1) : 0}% ${rows > 1 ? (100 * y) / (rows - 1) : 0}%`;
    node.classList.toggle("fv-pixels", shape.pixelated);
  }

  /**
   * One tab stop for many items: arrows move by place on the screen, Home and End to the ends.
   * @param {HTMLElement} container
   * @param {() => HTMLElement[]} list
   */
  function rove(container, list) {
    list().forEach((item, i) => (item.tabIndex = i ? -1 : 0));
    container.addEventListener("focusin", (event) => {
      const items = list();
      const at = items.indexOf(/** @type {HTMLElement} */ (event.target));
      if (at >= 0) items.forEach((item, i) => (item.tabIndex = i === at ? 0 : -1));
    });
    container.addEventListener("keydown", (event) => {
      const items = list();
      const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
      if (at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
      const next = neighbor(items, at, event.key);
      if (!next) return;
      event.preventDefault();
      next.focus();
    });
  }

  /** @param {HTMLElement[]} items @param {number} at @param {string} key */
  function neighbor(items, at, key) {
    if (key === "ArrowRight") return items[at + 1];
    if (key === "ArrowLeft") return items[at - 1];
    if (key === "Home") return items[0];
    if (key === "End") return items[items.length - 1];
    if (key !== "ArrowDown" && key !== "ArrowUp") return undefined;
    const center = (/** @type {HTMLElement} */ item) => {
      const box = item.getBoundingClientRect();
      return [box.left + box.width / 2, box.top + box.height / 2, box.height];
    };
    const [x, y, height] = center(items[at]);
    const down = key === "ArrowDown" ? 1 : -1;
    let best, least = Infinity;
    for (const item of items) {
      const [x2, y2] = center(item);
      const away = (y2 - y) * down;
      const cost = away * 10 + Math.abs(x2 - x);
      if (away > height / 3 && cost < least) [best, least] = [item, cost];
    }
    return best;
  }

  /** The part of the address after "#fig-x:", if it names this figure. @param {Element} host */
  function state(host) {
    const [id, ...rest] = decodeURIComponent(location.hash.slice(1)).split(":");
    return id && id === anchor(host) && rest.length ? rest.join(":") : null;
  }

  /** @param {Element} host */
  const anchor = (host) => host.querySelector("figure")?.id;

  /** Put a figure's state into the address, without a new entry in the history.
   * @param {Element} host @param {string} value */
  const remember = (host, value) => history.replaceState(null, "", `#${anchor(host)}:${value}`);

  /** Follow links to a state of this figure. @param {Element} host
   * @param {(state: string) => void} apply */
  function follow(host, apply) {
    const go = (/** @type {boolean} */ scroll) => {
      const value = state(host);
      if (value === null) return;
      apply(value);
      if (scroll) host.querySelector("figure")?.scrollIntoView({ block: "center" });
    };
    go(true);
    addEventListener("hashchange", () => go(true));
  }

  /**
   * Define an element that is set up once, shortly before it is seen or when a link names it.
   * @param {string} name
   * @param {(host: HTMLElement, payload: any) => void} setup
   */
  function define(name, setup) {
    class Enhanced extends HTMLElement {
      connectedCallback() {
        if (this.dataset.fv) return;
        this.dataset.fv = "waiting";
        if (document.readyState === "loading")
          document.addEventListener("DOMContentLoaded", () => this.wait(), { once: true });
        else this.wait();
      }
      wait() {
        const figure = this.querySelector("figure");
        if (!figure) return;
        const watch = new IntersectionObserver(
          (entries) => entries.some((e) => e.isIntersecting) && this.start(watch),
          { rootMargin: "1200px" },
        );
        watch.observe(figure);
        const named = () => state(this) !== null && this.start(watch);
        addEventListener("hashchange", named);
        named();
      }
      /** @param {IntersectionObserver} watch */
      start(watch) {
        watch.disconnect();
        if (this.dataset.fv === "ready") return;
        this.dataset.fv = "ready";
        const data = this.querySelector("template:not([data-part])")?.content.textContent;
        setup(this, data ? JSON.parse(data) : {});
      }
    }
    if (!customElements.get(name)) customElements.define(name, Enhanced);
  }

  /**
   * A row of buttons of which one is pressed.
   * @param {string} label @param {string[]} names @param {(index: number) => void} choose
   */
  function choice(label, names, choose) {
    const buttons = names.map((name, i) =>
      make("button", { type: "button", class: "fv-button", click: () => choose(i) }, name));
    const group = make("div", { class: "fv-choice", role: "group", "aria-label": label }, ...buttons);
    const press = (/** @type {number} */ index) =>
      buttons.forEach((b, i) => b.setAttribute("aria-pressed", String(i === index)));
    return { group, press };
  }

  /** Who waits for which script. @type {Map<string, (data: any) => void>} */
  const waiting = new Map();

  /** What the script of a part calls. @param {string} source @param {any} data */
  const deliver = (source, data) => waiting.get(source)?.(data);

  /**
   * A part of a figure's data: from its script in the site, from the page in a notebook. A script,
   * because nothing else loads from disk.
   * @param {Element} host @param {string} name @returns {Promise<any>}
   */
  function part(host, name) {
    const template = /** @type {HTMLTemplateElement} */ (
      [...host.querySelectorAll("template[data-part]")].find((t) => t.getAttribute("data-part") === name)
    );
    const source = template.dataset.src;
    if (!source) return Promise.resolve(JSON.parse(template.content.textContent ?? "null"));
    return new Promise((resolve, reject) => {
      const script = /** @type {HTMLScriptElement} */ (make("script", { error: reject }));
      script.src = source;
      waiting.set(script.src, resolve);
      document.head.append(script);
    });
  }

  /** @type {any} */ (window).FV = { make, slug, number, cell, rove, remember, follow, define, choice, part, deliver };
})();
