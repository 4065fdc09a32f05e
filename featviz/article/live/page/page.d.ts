// What the scripts of the page on the reader's photo share, and what Python tells them. For
// `make check` alone.

/** A layer as the figure of the photo knows it; lengths in pixels of the photo of `side` pixels. */
interface PhotoLayer {
  layer: LiveLayerName;
  /** Receptive field, the way from one place to the next, and the middle of the first. */
  sees: number;
  stride: number;
  start: number;
  sprite: Sprite & { source: string };
}
/** A unit and how unusual its value is, in standard deviations; `after` what was painted. */
interface Strong {
  layer: number;
  unit: number;
  score: number;
  after: number | null;
}
/** Something to lay over the photo: (height, width) of values, 0 where nothing is to be seen. */
interface PhotoMap {
  values: Float32Array;
  height: number;
  width: number;
  /** Middle of the first value and way to the next, in pixels of the photo. */
  start: number;
  stride: number;
}
/** What was painted in one go; lengths are shares of the photo's side. */
interface Stroke {
  kind: "gray" | "blur";
  radius: number;
  points: [x: number, y: number][];
}

interface Payloads {
  "fv-photo": {
    side: number;
    shown: number;
    samples: { name: string; label: string; thumbnail: string }[];
    layers: PhotoLayer[];
    colors: [number, number, number][];
    count: number;
    microscope: string;
    circuits: string;
  };
  "fv-climb": {
    side: number;
    steps: number;
    unit: [layer: LiveLayerName, unit: number];
    layers: Record<string, number>;
    picks: { labels: string[]; sprite: Sprite; source: string };
    curve: number[];
    microscope: string;
  };
}

/** What lies over the photo: a layer's map, or a unit's map or what made it answer. */
interface PhotoView {
  layer: number;
  unit: number | null;
  kind: "map" | "cause";
}

interface PhotoStage {
  /** Shows another photo, `shown` pixels large. */
  show(photo: LiveImage): void;
  /** Shows the photo with what was painted over it. */
  paint(strokes: Stroke[]): void;
  /** Lays a map over the photo, or none. */
  lay(map: PhotoMap | null): void;
  /** Draws the cross-hair with the fields of these layers. */
  aim(at: [x: number, y: number] | null, layers: number[], radius: number): void;
  area: HTMLElement;
  /** The photo as it is now. */
  picture: HTMLCanvasElement;
  /** Where an event of a pointer lies, in pixels of the photo. */
  at(event: PointerEvent): [x: number, y: number];
}
interface PhotoRows {
  /** Shows the layers' maps over the picture. */
  paint(maps: PhotoMap[], picture: HTMLCanvasElement): void;
  draw(lists: Strong[][]): void;
  press(view: PhotoView | null): void;
}
interface PhotoBrush {
  tools: HTMLElement;
  readonly kind: "gray" | "blur" | null;
  readonly radius: number;
  readonly strokes: Stroke[];
  /** Begins a stroke; in `kind` gray where the reader only looked so far. */
  begin(at: [x: number, y: number]): void;
  extend(at: [x: number, y: number]): void;
  grow(by: number): void;
  clear(): void;
}
interface PhotoUnit {
  panel: HTMLElement;
  show(unit: Strong | null, where: string, kind: "map" | "cause"): void;
}
interface ClimbCurve {
  element: HTMLElement;
  /** The values so far, those of the build's run of the same unit, and steps in all. */
  draw(values: number[], build: number[], steps: number): void;
}

interface LivePage {
  /** The network; `tell` is told what is being waited for. Rejects with one sentence. */
  open(tell: (words: string) => void): Promise<LiveTrunk>;
  /** What the reader looks at now, from which a climb may start. */
  source: Blob | HTMLCanvasElement | null;
  file(base64: string): Blob;
  sentence(error: unknown): string;
  signed(value: number): string;
  /** Per unit: how unusual its mean over the photo is, or its value at a place. */
  scores(maps: LiveMaps, usual: LiveUsual, at: number | null): Float32Array;
  strongest(layer: number, scores: Float32Array, count: number): Strong[];
  layerMap(maps: LiveMaps, usual: LiveUsual, layer: PhotoLayer): PhotoMap;
  unitMap(maps: LiveMaps, unit: number, layer: PhotoLayer): PhotoMap;
  causeMap(gradient: Float32Array, side: number): PhotoMap;
  /** The place of a layer under a point of the photo: its row and column. */
  place(layer: PhotoLayer, maps: LiveMaps, at: [x: number, y: number]): [number, number];
  /** Draws a map over the whole of a canvas that stands for a photo of `side` pixels. */
  cover(
    context: CanvasRenderingContext2D, map: PhotoMap, colors: [number, number, number][], side: number
  ): void;
  canvas(side: number): [HTMLCanvasElement, CanvasRenderingContext2D];
  render(photo: LiveImage, strokes: Stroke[], context: CanvasRenderingContext2D, side: number): void;
  painted(photo: LiveImage, strokes: Stroke[]): LiveImage;
  door(
    data: Payloads["fv-photo"], host: HTMLElement,
    give: (source: Blob | HTMLCanvasElement, label: string) => void, fail: (words: string) => void
  ): { element: HTMLElement; sample(name: string): void };
  stage(place: HTMLElement, data: Payloads["fv-photo"]): PhotoStage;
  brush(side: number, change: () => void): PhotoBrush;
  rows(
    place: HTMLElement, data: Payloads["fv-photo"],
    choose: (layer: number, unit: number | null) => void
  ): PhotoRows;
  unit(
    data: Payloads["fv-photo"], view: (kind: "map" | "cause") => void, close: () => void
  ): PhotoUnit;
  curve(label: string): ClimbCurve;
}

declare var LivePage: LivePage;
