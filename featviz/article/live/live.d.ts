// AlexNet's trunk in the reader's browser: what a page may ask of it. For `make check` alone.
//
// client.js gives every page the global FeatvizLive, which loads nothing until it is opened: then
// assets/live/engine.js (the worker and its WebAssembly) and assets/live/weights.js (2.8 MB), as
// classic scripts, since nothing else loads from file://. All work is done in one worker, in the
// order in which it is asked for. Every promise rejects with an Error whose message is one sentence.

type LiveLayerName = "conv1" | "conv2" | "conv3" | "conv4" | "conv5";

/** A picture: red, green and blue planes, row by row, in [0, 1]; as featviz's (3, height, width). */
interface LiveImage {
  pixels: Float32Array;
  height: number;
  width: number;
}

/** The values of a layer before its ReLU, as featviz's "conv5": (units, height, width). */
interface LiveMaps {
  data: Float32Array;
  units: number;
  height: number;
  width: number;
}

/**
 * What an image is asked for: the mean of a unit's map, or its value at one place, before the ReLU;
 * with `relu`, behind it. Featviz's Channel, and its Neuron for a place.
 */
interface LiveGoal {
  layer: LiveLayerName;
  unit: number;
  /** (row, column) in the layer's map, or its middle (index size >> 1); the whole map without. */
  at?: [number, number] | "center" | null;
  relu?: boolean;
}

/** What is usual for each unit of a layer, before its ReLU, over the article's photographs. */
interface LiveUsual {
  /** Mean over all places of all photographs. */
  mean: Float32Array;
  /** Standard deviation of the value at one place: for "what is unusual here?" */
  place: Float32Array;
  /** Standard deviation of the mean of a map: for "what is unusual about this photograph?" */
  photo: Float32Array;
}

/** A climb; the choices are those of the chapter on gradient ascent. */
interface LiveAscent {
  goal: LiveGoal;
  /**
   * What is moved. Each has its own way to step:
   * "pixels": logits of pixels, Adam(0.05);
   * "spectrum": featviz's recipe for the highest score, Fourier() and HIGHEST_ADAM;
   * "bound": featviz's default, Natural() and NATURAL_ADAM; for conv1 behind its ReLU the
   * microscope's recipe (views.FIRST), for conv1 before it LINEAR, from a photograph ACCENT.
   */
  parameterization: "pixels" | "spectrum" | "bound";
  /** Whether the image is framed, turned, zoomed and shifted before each step, as the recipe does. */
  transforms: boolean;
  /** 48 steps are the microscope's; the recipe's own without. */
  steps?: number;
  /** Side of the canvas in pixels, 160 without; from a photograph, the photograph's. */
  side?: number;
  /** The same seed gives Python's picture: 0 is the article's. */
  seed?: number;
  /** A picture to start from instead of noise. */
  start?: LiveImage | null;
}

/** What is told after each step; before the first one too, with step 0 and no value. */
interface LiveStep {
  /** Steps taken so far. */
  step: number;
  /** Steps in all. */
  steps: number;
  /** The goal's value on the image as the network saw it before this step: Python's history. */
  value: number | null;
  /** The picture after this step. */
  image: LiveImage;
  /** After the last step: the goal's value on the clean picture, Python's `values`. */
  score: number | null;
}

interface LiveClimb {
  /** Takes steps until the last one, a pause or a stop. */
  play(): void;
  /** Ends playing after the step that is being taken. */
  pause(): void;
  /** Takes one step. */
  step(): void;
  /** Ends the climb for good and frees its memory; nothing is told any more. */
  stop(): void;
  readonly playing: boolean;
  /** Resolves after the last step or a stop. */
  readonly finished: Promise<void>;
}

interface LiveTrunk {
  readonly layers: readonly LiveLayerName[];
  readonly usual: Record<LiveLayerName, LiveUsual>;
  /**
   * Reads a picture as featviz.photos.load(file, size) does: upright, no color profile,
   * transparency on white, the shorter side resized to `side`, the middle square. A canvas or
   * ImageData is taken the same way. A blob that is no picture, damaged, too small (under 64
   * pixels) or too large (over 100 million pixels) rejects with the sentence to show.
   */
  photo(source: Blob | HTMLCanvasElement | ImageData, side?: number): Promise<LiveImage>;
  /** Values of layers, all five without `layers`. An image's sides are 63 to 1024 pixels. */
  forward(
    image: LiveImage, layers?: readonly LiveLayerName[]
  ): Promise<Record<LiveLayerName, LiveMaps>>;
  /** The goal's value on an image and its gradient, (3, height, width) per unit of [0, 1]. */
  gradient(image: LiveImage, goal: LiveGoal): Promise<{ value: number; gradient: Float32Array }>;
  /** Prepares a climb, paused before its first step. */
  climb(ascent: LiveAscent, onStep: (step: LiveStep) => void): LiveClimb;
  /** Ends the worker. */
  close(): void;
}

interface FeatvizLive {
  /** Loads the network; `base` is the way to the site's root, "" or "../" say. Loads once. */
  open(base: string): Promise<LiveTrunk>;
  /** A picture for putImageData. */
  toImageData(image: LiveImage): ImageData;
  /** For the scripts of assets/live/ alone. */
  deliver(name: "engine" | "weights", part: unknown): void;
}

declare var FeatvizLive: FeatvizLive;

/** The browser's own Worker, on pages of the site: see the theme's main.html. */
declare var NativeWorker: typeof Worker | undefined;
