// @ts-check
// The page's side of the network: loads it on demand, and hands questions to its worker. A classic
// script, because modules do not load from file://; the worker is a blob for the same reason.
/** @type {FeatvizLive} */
var FeatvizLive = (() => {
  "use strict";

  /** Side in pixels of a photograph as the network takes it. */
  const SIDE = 224;
  /** Most pixels of a photograph, as in featviz.photos.MAX_PIXELS. */
  const MAX_PIXELS = 100e6;
  /** @type {readonly LiveLayerName[]} */
  const LAYERS = ["conv1", "conv2", "conv3", "conv4", "conv5"];

  /** @type {Record<string, any>} */
  const parts = {};
  /** @type {Promise<LiveTrunk> | null} */
  let trunk = null;

  /** Adds a script of assets/live/. @param {string} base @param {"engine" | "weights"} name */
  function load(base, name) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `${base}assets/live/${name}.js`;
      script.onload = () => resolve(parts[name]);
      script.onerror = () => {
        script.remove();
        reject(new Error(`The network's file ${script.src} cannot be read.`));
      };
      document.head.append(script);
    });
  }

  /**
   * Starts the worker, and gives what asks it.
   * @param {string} source @returns {{ ask: (question: any) => Promise<any>, close: () => void }}
   */
  function start(source) {
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    // What the site puts in the Worker's place, so that search works from disk, takes no blob.
    const worker = new (globalThis.NativeWorker ?? Worker)(address);
    /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
    const waiting = new Map();
    let count = 0, ended = "";
    /** @param {string} reason */
    const fail = (reason) => {
      ended = reason;
      for (const { reject } of waiting.values()) reject(new Error(reason));
      waiting.clear();
    };
    worker.onmessage = ({ data: { id, value, error } }) => {
      const { resolve, reject } = waiting.get(id) ?? {};
      waiting.delete(id);
      if (error === undefined) resolve?.(value);
      else reject?.(new Error(error));
    };
    worker.onerror = () => fail("This browser cannot run the network here.");
    const ask = (/** @type {any} */ question) =>
      new Promise((resolve, reject) => {
        if (ended) throw new Error(ended);
        const id = ++count;
        waiting.set(id, { resolve, reject });
        worker.postMessage({ ...question, id });
      });
    const close = () => {
      worker.terminate();
      URL.revokeObjectURL(address);
      fail("The network was closed.");
    };
    return { ask, close };
  }

  /** Rejects a picture before it is decoded, if it is too large. @param {Blob} blob */
  async function checkSize(blob) {
    const image = new Image();
    const address = URL.createObjectURL(blob);
    try {
      await new Promise((resolve) => {
        image.onload = image.onerror = resolve; // What is no picture the worker says.
        image.src = address;
      });
      const { naturalWidth: width, naturalHeight: height } = image;
      if (width * height > MAX_PIXELS) {
        throw new Error(
          `This picture of ${width} x ${height} pixels is too large; save it with at most ` +
            `${MAX_PIXELS / 1e6} million pixels.`);
      }
    } finally {
      URL.revokeObjectURL(address);
    }
  }

  /**
   * A climb: one question per step, so that others find a turn between two.
   * @param {(question: any) => Promise<any>} ask @param {LiveAscent} ascent
   * @param {(step: LiveStep) => void} onStep @returns {LiveClimb}
   */
  function climb(ask, ascent, onStep) {
    let playing = false, stopped = false, taking = false;
    /** @type {() => void} */
    let finish = () => {};
    /** @type {(error: Error) => void} */
    let fail = () => {};
    /** @type {Promise<void>} */
    const finished = new Promise((resolve, reject) => ([finish, fail] = [resolve, reject]));
    finished.catch(() => {}); // A page that doesn't ask isn't told by the console.
    /** @type {Promise<number>} */
    let ready;

    const stop = () => {
      if (stopped) return;
      stopped = true;
      playing = false;
      ready.then((id) => ask({ kind: "stop", climb: id })).catch(() => {});
      finish();
    };
    /** @param {any} answer */
    const tell = (answer) => {
      if (stopped) return;
      onStep(answer);
      if (answer.step === answer.steps) stop();
    };
    /** @param {Error} error */
    const end = (error) => {
      fail(error);
      stop();
    };
    const step = async () => {
      if (taking || stopped) return;
      taking = true;
      try {
        tell(await ask({ kind: "step", climb: await ready }));
      } catch (error) {
        end(/** @type {Error} */ (error));
      }
      taking = false;
      if (playing) step();
    };
    ready = ask({ kind: "climb", ascent }).then(({ id, told }) => (tell(told), id));
    ready.catch(end);
    return {
      step,
      play: () => ((playing = !stopped), step()),
      pause: () => void (playing = false),
      stop,
      get playing() {
        return playing;
      },
      finished,
    };
  }

  /** @param {string} base @returns {Promise<LiveTrunk>} */
  async function connect(base) {
    const [engine, weights] = await Promise.all([load(base, "engine"), load(base, "weights")]);
    delete parts.weights; // The worker's copy is enough.
    const { ask, close } = start(engine.source);
    const usual = await ask({ kind: "open", wasm: engine.wasm, weights });
    return {
      layers: LAYERS,
      usual,
      async photo(source, side = SIDE) {
        if (source instanceof Blob) await checkSize(source);
        if (source instanceof HTMLCanvasElement) {
          const context = source.getContext("2d");
          if (!context) throw new Error("This canvas has no picture.");
          source = context.getImageData(0, 0, source.width, source.height);
        }
        return ask({ kind: "photo", source, side });
      },
      forward: (image, layers = LAYERS) => ask({ kind: "forward", image, layers }),
      gradient: (image, goal) => ask({ kind: "gradient", image, goal }),
      climb: (ascent, onStep) => climb(ask, ascent, onStep),
      close() {
        trunk = null;
        close();
      },
    };
  }

  return {
    open(base) {
      trunk ??= connect(base).catch((error) => {
        trunk = null;
        throw error;
      });
      return trunk;
    },
    deliver(name, part) {
      parts[name] = part;
    },
    toImageData({ pixels, height, width }) {
      const data = new ImageData(width, height);
      for (let i = 0; i < height * width; i++) {
        for (let color = 0; color < 3; color++) {
          data.data[4 * i + color] = Math.round(255 * pixels[color * height * width + i]);
        }
        data.data[4 * i + 3] = 255;
      }
      return data;
    },
  };
})();
