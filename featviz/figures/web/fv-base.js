// @ts-check
// What all figures share: defining an element, building DOM, sprites, moving by key, links to a
// state. A classic script, because modules do not load from file://. Loaded before the others.
(() => {
  "use strict";

  /**
   * Make an element; attributes that are null or false are left out, functions listen.
   * @type {Figures["make"]}
   */
  const make = (name, attributes = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value === null || value === false) continue;
      if (typeof value === "function") node.addEventListener(key, value);
      else node.setAttribute(key, value === true ? "" : String(value));
    }
    node.append(...children);
    return node;
  };

  /** As make, for SVG. @type {Figures["shape"]} */
  const shape = (name, attributes = {}, ...children) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
    node.append(...children);
    return node;
  };

  /** The same words as the Python side's slug(). @param {string} label */
  const slug = (label) =>
    label.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "item";

  /** A number for readers, three significant digits. @param {number} value */
  function number(value) {
    const size = Math.abs(value);
    const digits =
      value !== 0 && size < 1e-6
        ? value.toExponential(1)
        : size >= 100
          ? Math.round(value).toLocaleString("en-US")
          : String(Number(value.toPrecision(3)));
    return digits.replace("-", "\u2212");
  }

  /**
   * Show one cell of a sprite as the background of a node.
   * @param {HTMLElement} node @param {Sprite} shape @param {string} source @param {number} index
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

  /** What the address says: "#place:state?kind=subject", each part of which may be missing. */
  function address() {
    let hash = location.hash.slice(1);
    try {
      hash = decodeURIComponent(hash);
    } catch {
      // A stray percent sign: take the text as it is.
    }
    const [before, after = ""] = hash.split("?");
    const [place, ...rest] = before.split(":");
    return { place, state: rest.join(":"), subject: after.split("=")[1] ?? "" };
  }

  /** Change the address, without a new entry in the history.
   * @param {Address} parts */
  function write({ place, state, subject }) {
    const query = subject && picker() ? `?${picker()?.dataset.kind}=${subject}` : "";
    history.replaceState(null, "", `#${place}${state ? `:${state}` : ""}${query}`);
  }

  const picker = () => /** @type {HTMLElement | null} */ (document.querySelector("fv-picker"));

  /** The part of the address after "#fig-x:", if it names this figure. @param {Element} host */
  function state(host) {
    const { place, state } = address();
    return place && place === anchor(host) && state ? state : null;
  }

  /** @param {Element} host */
  const anchor = (host) => host.querySelector("figure")?.id ?? "";

  /** Put a figure's state into the address. @param {Element} host @param {string} value */
  const remember = (host, value) => write({ ...address(), place: anchor(host), state: value });

  // What the page's picker has picked, and who wants to know.
  let subject = "";
  /** @type {((value: string) => void)[]} */
  const followers = [];

  /** Pick a photo or a unit for the whole page; "" picks nothing. @param {string} value */
  function pick(value, linked = true) {
    const known = !value || picker()?.querySelector(`[data-pick="${CSS.escape(value)}"]`);
    if (!picker() || !known || value === subject) return;
    subject = value;
    followers.forEach((follower) => follower(value));
    if (linked) write({ ...address(), subject });
  }
  addEventListener("hashchange", () => {
    const link = address().subject;
    if (link) pick(link, false);
    // A link to another place of the page doesn't undo the choice.
    else if (subject) write({ ...address(), subject });
  });

  /** Be told what is picked, now and whenever it changes.
   * @param {(value: string) => void} apply gets the subject, or "" for none */
  function subjects(apply) {
    followers.push(apply);
    if (subject) apply(subject);
  }

  /**
   * Mark the rows, or cells, that are about the picked subject; their names become its buttons.
   * @param {HTMLElement} stage
   */
  function mark(stage) {
    const parts = /** @type {HTMLElement[]} */ ([...stage.querySelectorAll("[data-pick]")]);
    if (!parts.length || !picker()) return;
    const buttons = parts.map((part) => {
      const name = part.querySelector(":scope > [role=rowheader] > :is(strong, span):first-of-type");
      if (!name) return undefined;
      const about = part.dataset.pick ?? "";
      const button = make("button", {
        type: "button", class: "fv-name", title: "Pick in all figures", "aria-pressed": "false",
        click: () => pick(about === subject ? "" : about),
      }, ...name.childNodes);
      name.append(button);
      return button;
    });
    subjects((value) => {
      const known = parts.some((part) => part.dataset.pick === value);
      stage.classList.toggle("fv-picking", known);
      parts.forEach((part, i) => {
        part.classList.toggle("fv-picked", part.dataset.pick === value);
        buttons[i]?.setAttribute("aria-pressed", String(part.dataset.pick === value));
      });
    });
  }

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

  /** Who waits for which script. @type {Map<string, ((data: any) => void)[]>} */
  const readers = new Map();

  /** What the script of a template calls. @param {string} source @param {any} data */
  const deliver = (source, data) => readers.get(source)?.splice(0).forEach((then) => then(data));

  /**
   * Hand on a template's data: from the page, or from a file of its own. That is a script, because
   * pages on disk may not fetch.
   * @param {HTMLTemplateElement | null} template @param {(data: any) => void} then
   * @param {() => void} [fail]
   */
  function arrive(template, then, fail = () => {}) {
    const source = template?.dataset.src;
    if (!source) return then(JSON.parse(template?.content.textContent || "null"));
    const script = make("script", { error: fail });
    script.src = source;
    readers.set(script.src, [...(readers.get(script.src) ?? []), then]);
    document.head.append(script);
  }

  /**
   * A named part of a figure's data.
   * @param {Element} host @param {string} name @returns {Promise<any>}
   */
  const part = (host, name) =>
    new Promise((resolve, reject) => arrive(host.querySelector(`template[data-part="${name}"]`), resolve, reject));

  /**
   * Define an element that is set up once, shortly before it is seen or when a link names it.
   * @type {Figures["define"]}
   */
  const define = (name, setup) => {
    class Enhanced extends HTMLElement {
      connectedCallback() {
        if (this.dataset.fv) return;
        this.dataset.fv = "waiting";
        if (document.readyState === "loading")
          document.addEventListener("DOMContentLoaded", () => this.wait(), { once: true });
        // What is named in the address starts at once, but not before the scripts after this one.
        else queueMicrotask(() => this.wait());
      }
      wait() {
        const figure = this.querySelector("figure");
        if (!figure) return;
        const watch = new IntersectionObserver(
          (entries) => entries.some((e) => e.isIntersecting) && this.start(watch),
          { rootMargin: "1200px" },
        );
        watch.observe(figure);
        const startIfLinked = () => state(this) !== null && this.start(watch);
        addEventListener("hashchange", startIfLinked);
        startIfLinked();
      }
      /** @param {IntersectionObserver} watch */
      start(watch) {
        watch.disconnect();
        if (this.dataset.fv !== "waiting") return;
        this.dataset.fv = "loading";
        arrive(this.querySelector("template:not([data-part])"), (payload) => {
          this.dataset.fv = "ready";
          setup(this, payload ?? {});
        });
      }
    }
    if (!customElements.get(name)) customElements.define(name, Enhanced);
  };

  /**
   * A row of buttons of which one is pressed.
   * @param {string} label @param {string[]} names @param {(index: number) => void} choose
   */
  function choice(label, names, choose) {
    const buttons = names.map((name, i) =>
      make("button", { type: "button", class: "fv-button", click: () => choose(i) }, name));
    const group = make("div", { class: "fv-choice", role: "group", "aria-label": label }, ...buttons);
    const press = (/** @type {number} */ index) =>
      buttons.forEach((b, i) => {
        b.setAttribute("aria-pressed", String(i === index));
        b.tabIndex = i === index ? 0 : -1;
      });
    rove(group, () => buttons);
    return { group, press };
  }

  // The scripts after this one add theirs.
  /** @type {Partial<Figures>} */
  const figures = {
    make, shape, slug, number, cell, rove, address, remember, follow, define, choice,
    pick, subjects, mark, part, deliver,
  };
  window.FV = /** @type {Figures} */ (figures);
})();
