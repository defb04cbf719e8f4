import type { Marks } from "./trace.ts";

/** What one run is seen as, in milliseconds since 1970. */
export interface Trace {
  /** When the program was asked for. */
  readonly started: number;
  readonly marks: Marks;
  /** When it had been reaped. */
  readonly ended: number;
}

/** A phase of a run; it ends at a mark. */
interface Phase {
  readonly id: string;
  readonly title: string;
  readonly end: (marks: Marks) => number | undefined;
}

/**
 * The phases in their order. Where two overlap, the later one counts only from the end of the earlier one, so that they
 * always add up to the whole.
 */
export const PHASES: readonly Phase[] = [
  // Until a program's first statement, which the empty program tells.
  { id: "runtime", title: "runtime", end: ({ first }) => first?.begin },
  { id: "modules", title: "loading modules", end: ({ run }) => run?.begin },
  { id: "settings", title: "settings", end: ({ settings }) => settings?.end },
  { id: "guard", title: "signals, last will", end: ({ backend }) => backend?.begin },
  { id: "driver", title: "loading the driver", end: ({ backend }) => backend?.end },
  { id: "connect", title: "connecting, log-in", end: ({ connect }) => connect?.end },
  { id: "acquire", title: "acquiring", end: ({ acquire }) => acquire?.end },
  { id: "ready", title: "last checks", end: ({ spawn }) => spawn?.begin },
  { id: "spawn", title: "spawning", end: ({ spawn }) => spawn?.end },
  { id: "command", title: "command", end: ({ command }) => command?.end },
  { id: "release", title: "releasing", end: ({ release }) => release?.end },
];

/** The last phase: from the last mark until the program has been reaped. */
export const EXIT = "exit";

/** How long each phase of a run took, in milliseconds; 0 for one that the run has not. They add up to the whole. */
export function phasesOf({ started, marks, ended }: Trace): Record<string, number> {
  const lengths: Record<string, number> = {};
  let reached = started;
  for (const { id, end } of PHASES) {
    const until = Math.max(reached, end(marks) ?? reached);
    lengths[id] = until - reached;
    reached = until;
  }
  lengths[EXIT] = ended - reached;
  return lengths;
}
