// What the worker's scripts share. For `make check` alone.

/** What wasm/trunk.ts exports: addresses in bytes, sizes in numbers. */
interface TrunkExports {
  memory: WebAssembly.Memory;
  __heap_base: WebAssembly.Global;
  pack(panels: number, matrix: number, rows: number, depth: number): void;
  convolve(
    output: number, weights: number, bias: number, units: number, input: number, channels: number,
    height: number, width: number, kernel: number, stride: number, scratch: number
  ): void;
  spread(
    input: number, weights: number, units: number, gradient: number, channels: number,
    height: number, width: number, kernel: number, stride: number, scratch: number
  ): void;
  enframe(
    output: number, input: number, planes: number, height: number, width: number, frame: number,
    floor: number
  ): void;
  mask(gradient: number, values: number, count: number): void;
  pool(
    output: number, input: number, planes: number, height: number, width: number, frame: number
  ): void;
  unpool(
    result: number, input: number, planes: number, height: number, width: number, gradient: number
  ): void;
}

/** A convolution of the trunk, and its ReLU. */
interface Convolution {
  name: LiveLayerName;
  units: number;
  channels: number;
  kernel: number;
  stride: number;
  /** Zeros around its input. */
  frame: number;
  /** Whether its input is pooled. */
  pooled: boolean;
}

/** Its numbers: (units, channels, kernel, kernel) and (units,). */
interface Weights {
  weight: Float32Array;
  bias: Float32Array;
}

/** Where a layer's arrays lie for one size of images, in bytes, and their sides in pixels. */
interface Place {
  /** Its input, framed. */
  input: number;
  height: number;
  width: number;
  /** Its value before the ReLU, and the gradient of that. */
  output: number;
  slope: number;
  down: number;
  across: number;
  /** The gradient of its input, without frame. */
  back: number;
}

/** An image that moves. */
interface Moving {
  /** What the climb moves; changed in place. */
  parameters: Float32Array;
  /** The image (3, height, width) as the network is to see it. */
  forward(): Float32Array;
  /** The gradient of the parameters from that of the image. */
  backward(gradient: Float32Array): Float32Array;
  /** Raises the contrast of an image without a gradient, where the parameterization does. */
  amplify(): void;
}

/** A frame, turn, zoom and shift; or, without an angle, a frame and a shift that comes round. */
interface Change {
  frame: number;
  pixels: number;
  degrees?: number;
  low?: number;
  high?: number;
}

interface Recipe {
  build(noise: (count: number) => Float32Array, canvas: Canvas): Moving;
  turns: Change[];
  /** Adam's step size, momentum and tail; or the length of steps along the gradient. */
  adam?: { rate: number; momentum: [number, number]; tail: number };
  length?: number;
  steps: number;
}

/** The size of an image, that of the whole tiles around it, and what to start from. */
interface Canvas {
  height: number;
  width: number;
  down: number;
  across: number;
  start: LiveImage | null;
}

/** The weights as featviz/article/live/weights.py writes them. */
interface PackedWeights {
  mean: [number, number, number];
  std: [number, number, number];
  /** base64, deflated: int8 weights of all layers, one after the other. */
  integers: string;
  /** base64, deflated: float32; of each layer scales, biases, and the three of LiveUsual. */
  numbers: string;
}

/** What the page asks the worker, and what the worker answers. */
type Question =
  | { id: number; kind: "open"; wasm: string; weights: PackedWeights }
  | { id: number; kind: "photo"; source: Blob | ImageData; side: number }
  | { id: number; kind: "forward"; image: LiveImage; layers: readonly LiveLayerName[] }
  | { id: number; kind: "gradient"; image: LiveImage; goal: LiveGoal }
  | { id: number; kind: "climb"; ascent: LiveAscent }
  | { id: number; kind: "step"; climb: number }
  | { id: number; kind: "stop"; climb: number };
interface Answer {
  id: number;
  value?: any;
  error?: string;
}

/** Only the page has canvases of this kind; live.d.ts names them. */
interface HTMLCanvasElement {}
