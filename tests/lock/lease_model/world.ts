/** The model's world: its servers, the faults that may happen, and how far clocks are trusted. */
export interface World {
  readonly name: string;
  /** How many nodes share the row. Each has a clock of its own. */
  readonly nodes: 1 | 2;
  /** Whether waiters queue for a session lock first, as on a single primary. */
  readonly sessionLocks: boolean;
  /** How far the servers' clocks may be off, in milliseconds; so that is the most that one jumps, or two differ. */
  readonly skew: number;
  /** Whether the first look takes over what has expired by the server's clock, as `sera 0` has to. */
  readonly firstLookByClock: boolean;
  /** Whether sessions may end, messages be lost or late, and clients and servers be killed. */
  readonly breaks: boolean;
}

/** The TTLs that clients have, in milliseconds. */
export const TTLS = [3000, 6000];

const DAY = 86_400_000;

/** Where the protocol has to hold. */
export const SAFE: readonly World[] = [
  {
    name: "one primary, whose clock is off by less than the margin after a failover",
    ...{ nodes: 1, sessionLocks: true, skew: 999, firstLookByClock: true, breaks: true },
  },
  {
    name: "one primary, whose clock jumps by a day, while sessions stand",
    ...{ nodes: 1, sessionLocks: true, skew: DAY, firstLookByClock: true, breaks: false },
  },
  {
    name: "two nodes, whose clocks agree within the shortest TTL",
    ...{ nodes: 2, sessionLocks: false, skew: 3000, firstLookByClock: true, breaks: true },
  },
  {
    name: "two nodes with arbitrary clocks, where waiters only observe",
    ...{ nodes: 2, sessionLocks: false, skew: DAY, firstLookByClock: false, breaks: true },
  },
];

/** Where it need not, as the documentation says: more is asked of a clock than it keeps. */
export const LIMITS: readonly World[] = [
  {
    name: "two nodes, whose clocks differ by more than a TTL and its margin, and a first look",
    ...{ nodes: 2, sessionLocks: false, skew: 5000, firstLookByClock: true, breaks: true },
  },
  {
    name: "one primary, whose clock jumps by a day after the holder's session has gone, and a first look",
    ...{ nodes: 1, sessionLocks: true, skew: DAY, firstLookByClock: true, breaks: true },
  },
];

/** A mistake that the model can make on purpose. */
export type Flaw =
  | "reads, then writes"
  | "takes over whatever is there"
  | "takes over whatever the beat"
  | "counts the fence from the answer"
  | "starts however late the answer comes"
  | "releases whoever owns it"
  | "takes a second number when it asks again"
  | "counts the silence from the question"
  | "begins the beats anew"
  | "leaves a server's clock no margin"
  | "never takes over";
