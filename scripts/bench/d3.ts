/** What the graph uses of the packages d3-scale and d3-shape, see https://d3js.org/d3-scale and d3-shape. */
export interface D3 {
  scaleLinear(domain: readonly number[], range: readonly number[]): LinearScale;
  scaleBand(domain: readonly string[], range: readonly number[]): BandScale;
  stack(): Stack;
  line(): Line;
}

/** Numbers to places. */
export interface LinearScale {
  (value: number): number;
  /** About so many round numbers within the domain. */
  ticks(count: number): number[];
}

/** Names to places, each with some room. */
export interface BandScale {
  (name: string): number;
  padding(share: number): BandScale;
  bandwidth(): number;
}

/** Values to layers that lie on each other: for each key a list with the begin and end for each datum. */
export interface Stack {
  (data: readonly Readonly<Record<string, number>>[]): (readonly (readonly [number, number])[])[];
  keys(keys: readonly string[]): Stack;
}

/** Points to the path through them. */
export type Line = (points: readonly (readonly [number, number])[]) => string;
