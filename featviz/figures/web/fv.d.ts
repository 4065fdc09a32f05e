// What the figures' scripts share, and what Python tells each of them. For `make check` alone.

/** Pictures of one size in one file, row by row. */
interface Sprite {
  columns: number;
  rows: number;
  width: number;
  height: number;
  pixelated: boolean;
}

/** A picture for the enlarged view: a whole file, or one cell of a sprite. */
interface Picture {
  label: string;
  source: string;
  shape?: Sprite;
  index?: number;
  pixelated?: boolean;
  ratio?: number;
  note?: string;
  link?: string;
}

/** The address of the page: "#place:state?kind=subject". */
interface Address {
  place: string;
  state: string;
  subject: string;
}

type Column = (number | null)[];
type Attribute = string | number | boolean | null | ((event: any) => void);

/** What the microscope's element is told of a layer at once, and later of its units. */
interface LayerOutline {
  name: string;
  part: string;
  units: number[];
  sprite: Sprite & { source: string };
  before: string;
  places: Record<string, [number, number, number, number][]>;
  sizes: Record<string, number>;
  scales: Record<string, number>;
  sees: number;
  uses: number;
  fields: string[];
}
interface LayerPart {
  cards: string[];
  values: Record<string, Column>;
  notes: Record<string, string[]>;
  families: string[];
  kin: number[][];
  wired: number[][];
  weights: number[][];
}
interface Choice {
  label: string;
  tests: [name: string, low: number, high: number][][];
}

/** The pictures of a layer's units, and what to put into their place: a layer's board of tiles. */
interface Sheet {
  name: string;
  labels: string[];
  sprite: Sprite & { source: string };
  section: HTMLElement;
  place: HTMLElement;
  values?: Record<string, Column>;
}
interface Layer extends Sheet {
  board: HTMLElement;
  data: LayerPart;
}
/** One unit: its layer, its place in the layer's data, its name, its address, its tile. */
interface Unit {
  layer: Layer;
  row: number;
  label: string;
  id: string;
  tile: HTMLElement;
}
/** What one can look for: by words, by choices, by what arrives later of the layers. */
interface Finding {
  find: boolean;
  later?: boolean;
  filters?: Record<string, Choice[]>;
}
interface Filter {
  apply(): void;
  clear(): void;
  alike(unit: Unit): void;
  fill(): void;
}
interface Boards {
  layers: Layer[];
  units: Unit[];
  byId: Map<string, Unit>;
  filter: Filter;
  choose(unit: Unit): void;
  draw(): void;
  reach(id: string): Unit | undefined;
  unitOf(event: Event): Unit | undefined;
  state(): { list: Unit[]; current: Unit; glance: Unit };
}
interface Microscope {
  layers: LayerOutline[];
  titles: Record<string, string>;
  filters: Record<string, Choice[]>;
  circuits: string;
}

/** The units that answer at each place of each photo. */
interface InspectorLayer {
  layer: string;
  field: number;
  grid: [number, number];
  k: number;
  labels: string[];
  sprite: Sprite;
  top: number;
  units: number[];
  bars: number[];
}
/** What the circuits' element is told of a layer at once; lists of numbers are base64. */
interface CircuitLayer {
  name: string;
  part: string;
  units: number;
  sees: number;
  sprite: Sprite & { source: string };
  readers?: string;
  circuit?: string[];
  shares?: string[];
  pairs?: string;
  weights?: string;
  scale?: number;
}
interface Circuits {
  rows: number;
  start: string;
  link: string;
  layers: CircuitLayer[];
}
/** Kernels of one size, one after the other. */
interface PackedKernels {
  size: [height: number, width: number];
  levels: string;
  tops: string;
}
interface CircuitKernel {
  height: number;
  width: number;
  top: number;
  values: number[];
}
interface CircuitUnit {
  layer: number;
  index: number;
  label: string;
  id: string;
}
/** One unit read by another: where its kernel is, its weight, its share of the largest beside it. */
interface CircuitLine {
  to: CircuitUnit;
  from: CircuitUnit;
  at: number;
  weight: number;
  share: number;
}
interface CircuitGraph {
  root: CircuitUnit;
  columns: CircuitUnit[][];
  lines: CircuitLine[];
  share(unit: CircuitUnit): number | undefined;
  place(unit: CircuitUnit): [x: number, y: number];
}
interface CircuitsOf {
  graph(root: CircuitUnit): CircuitGraph;
  unit(id: string): CircuitUnit | undefined;
  any(): CircuitUnit;
}

/** The data of each element, as the module of the same name in featviz/figures writes it. */
interface Payloads {
  "fv-circuit": Circuits;
  "fv-field": {
    width: number;
    height: number;
    center: [number, number];
    fields: { layer: string; size: number; stride: number; note: string }[];
  };
  "fv-game": { machine: string; rounds: { right: number; machine: number; group: string }[] };
  "fv-inspector": { photos: string[]; layers: InspectorLayer[]; start: [number, number] };
  "fv-microscope": Microscope;
  "fv-overlays": {};
  "fv-sheet": {
    sprite: Sprite;
    labels: string[];
    values: Record<string, Column>;
    find: boolean;
    links?: string[];
  };
  "fv-spectrum": {};
  "fv-tiles": { scale?: boolean; toScale?: boolean };
  "fv-trajectory": {
    steps: number[];
    valueName: string;
    units: { label: string; sprite: Sprite; marks: [number, number][]; values: string[] }[];
  };
}

/** What fv-base.js and the scripts after it offer to all. */
interface Figures {
  make<K extends keyof HTMLElementTagNameMap>(
    name: K, attributes?: Record<string, Attribute>, ...children: (Node | string)[]
  ): HTMLElementTagNameMap[K];
  shape<K extends keyof SVGElementTagNameMap>(
    name: K, attributes?: Record<string, string | number>, ...children: (Node | string)[]
  ): SVGElementTagNameMap[K];
  slug(label: string): string;
  number(value: number): string;
  cell(node: HTMLElement, shape: Sprite, source: string, index: number): void;
  rove(container: HTMLElement, list: () => HTMLElement[]): void;
  address(): Address;
  remember(host: Element, value: string): void;
  follow(host: Element, apply: (state: string) => void): void;
  define<K extends keyof Payloads>(
    name: K, setup: (host: HTMLElement, data: Payloads[K]) => void
  ): void;
  choice(
    label: string, names: string[], choose: (index: number) => void
  ): { group: HTMLElement; press(index: number): void };
  pick(value: string, linked?: boolean): void;
  subjects(apply: (value: string) => void): void;
  mark(stage: HTMLElement): void;
  part<T = LayerPart>(host: Element, name: string): Promise<T>;
  deliver(source: string, data: unknown): void;
  zoom(all: Picture[], index: number, onclose?: (index: number) => void): void;
  tiles(host: HTMLElement, stage: HTMLElement): HTMLElement[];
  filter(
    tools: Element | null, layers: Layer[], units: Unit[], options: Finding,
    narrow: (list: Unit[]) => void, enter: () => void
  ): Filter;
  layers(
    stage: HTMLElement, tools: Element | null, sheets: Sheet[], options: Finding,
    show: (unit: Unit, list: Unit[]) => void, name: (unit: Unit) => void
  ): Boards;
  measures(unit: Unit): [name: string, value: string][];
  measureList(unit: Unit): HTMLElement;
  microscopePanel(
    panel: HTMLElement, data: Microscope, step: (by: number) => void, alike: (unit: Unit) => void
  ): { draw(unit: Unit, list: Unit[]): void; top(): void };
  circuits(data: Circuits): CircuitsOf;
  circuitStage(
    stage: HTMLElement, data: Circuits, circuits: CircuitsOf,
    show: (graph: CircuitGraph, unit: CircuitUnit, only?: CircuitLine) => void, back: () => boolean
  ): {
    draw(root: CircuitUnit): void;
    picture(unit: CircuitUnit): HTMLElement;
    root(): CircuitUnit;
  };
  circuitKernels(packed: PackedKernels): (index: number) => CircuitKernel;
  circuitPanel(
    host: HTMLElement, panel: HTMLElement, data: Circuits,
    picture: (unit: CircuitUnit) => HTMLElement
  ): { show(graph: CircuitGraph, unit: CircuitUnit, only?: CircuitLine): void };
}

declare var FV: Figures;
