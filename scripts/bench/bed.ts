import type { Contestant } from "./contestants.ts";
import type { Programs } from "./programs.ts";
import type { Table } from "./report.ts";
import type { Servers } from "./servers.ts";

/** The means of a part of the bench. */
export interface Bed {
  /** For its files. */
  readonly folder: string;
  readonly rounds: number;
  readonly programs: Programs;
  readonly servers: Servers;
  readonly contestants: readonly Contestant[];
  /** Reports progress. */
  readonly progress: (text: string) => void;
}

/** One part of the bench. */
export type Part = (bed: Bed) => Promise<Table[]>;

/** One value for each of the things, by their names. */
export function byName<T extends { readonly name: string }, R>(things: readonly T[], of: (thing: T) => R) {
  return Object.fromEntries(things.map((thing) => [thing.name, of(thing)] as const));
}
