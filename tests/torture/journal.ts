/**
 * The journal of a torture, and the proof that is in it.
 *
 * All writers append whole lines to one file, so that the order of the lines is the order of what happened; no clock is
 * needed for that. The times, from the machine's uptime, tell how long an overlap was:
 *
 *     begin RUN [SLOT] SECONDS a command runs, in a slot of the lock if it has slots
 *     beat RUN SECONDS       it still runs; a killed command's last line is its end
 *     end RUN SECONDS        it is about to end by itself
 *     fault KIND RUN SECONDS something is about to be done to a run's sera, or with - for RUN to any
 *     clash RUN SECONDS      a command that is about to begin finds that another one lives
 *     token RUN TOKEN SECONDS what a command that runs was given as its fencing token, or none
 */

/** A fault that was made on purpose. */
export interface Fault {
  readonly kind: string;
  /** The run whose sera it was done to; undefined when any may have been hit. */
  readonly run: string | undefined;
  /** Milliseconds of uptime. */
  readonly at: number;
}

/** Two commands that ran at the same time, in the same slot if the lock has slots. */
export interface Overlap {
  readonly first: string;
  readonly second: string;
  /** From the second's begin to the last sign of life of the one that ended sooner, in milliseconds. */
  readonly length: number;
  /** The fault that explains it; undefined if none does. */
  readonly fault?: Fault | undefined;
}

/** The findings in a journal. */
export interface Findings {
  readonly runs: number;
  /** How many of them came to their own end. */
  readonly finished: number;
  readonly faults: readonly Fault[];
  readonly overlaps: readonly Overlap[];
  /** Runs that found that another one lived when they began. */
  readonly clashes: readonly string[];
  /** Runs and their fencing tokens, in the order in which they began, with the slot if there are slots. */
  readonly tokens: readonly (readonly [run: string, token: string, slot?: string])[];
  /** The slots in which commands ran. */
  readonly slots: ReadonlySet<string>;
  /** The longest time between two signs of life of a run, in milliseconds: the error of the lengths. */
  readonly maxSilence: number;
}

interface Run {
  readonly name: string;
  readonly slot: string | undefined;
  /** Line numbers. */
  readonly beginLine: number;
  lastLine: number;
  readonly begin: number;
  last: number;
  finished: boolean;
  token?: string;
}

/**
 * Looks for commands that ran at the same time.
 *
 * @param text The journal.
 * @param reach How long after a fault a command may begin whose sera it was done to, in milliseconds.
 * @throws {Error} When a line is none of those above, or a run has no begin, has two, or goes on after its end.
 */
export function check(text: string, reach: number): Findings {
  const runs = new Map<string, Run>();
  const faults: (Fault & { line: number })[] = [];
  const clashes: string[] = [];
  let maxSilence = 0;
  for (const [line, words] of text.split("\n").filter((line) => line !== "").map((l) => l.split(" ")).entries()) {
    const wrong = (why: string) => new Error(`line ${line + 1} of the journal, ${words.join(" ")}: ${why}`);
    const at = Math.round(Number(words.at(-1)) * 1000);
    if (!Number.isFinite(at)) throw wrong("no time");
    const [what, name = ""] = words;
    if (what === "fault" && words.length === 4) {
      faults.push({ kind: name, run: words[2] === "-" ? undefined : words[2], at, line });
      continue;
    }
    if (what === "clash" && words.length === 3) {
      clashes.push(name);
      continue;
    }
    if (what === "token" && words.length === 4) {
      const run = runs.get(name);
      if (!run) throw wrong("no begin");
      if (run.token !== undefined) throw wrong("a second token");
      run.token = words[2]!;
      continue;
    }
    const slot = what === "begin" && words.length === 4 ? words[2] : undefined;
    if (!["begin", "beat", "end"].includes(what!) || words.length !== 3 && slot === undefined) throw wrong("unknown");
    if (slot !== undefined && !/^\d+$/.test(slot)) throw wrong("unknown");
    const run = runs.get(name);
    if (what === "begin") {
      if (run) throw wrong("a second begin");
      runs.set(name, { name, slot, beginLine: line, lastLine: line, begin: at, last: at, finished: false });
      continue;
    }
    if (!run) throw wrong("no begin");
    if (run.finished) throw wrong("after its end");
    maxSilence = Math.max(maxSilence, at - run.last);
    run.last = at;
    run.lastLine = line;
    run.finished = what === "end";
  }

  const overlaps: Overlap[] = [];
  const inOrder = [...runs.values()];
  for (const [index, first] of inOrder.entries()) {
    for (const second of inOrder.slice(index + 1)) {
      if (second.beginLine > first.lastLine) break;
      if (second.slot !== first.slot) continue;
      const fault = faults.findLast((fault) =>
        fault.line < second.beginLine && fault.at >= first.begin - reach &&
        (fault.run === undefined || fault.run === first.name)
      );
      overlaps.push({
        first: first.name,
        second: second.name,
        length: Math.max(0, Math.min(first.last, second.last) - second.begin),
        fault: fault && { kind: fault.kind, run: fault.run, at: fault.at },
      });
    }
  }
  return {
    runs: runs.size,
    finished: inOrder.filter(({ finished }) => finished).length,
    faults: faults.map(({ kind, run, at }) => ({ kind, run, at })),
    overlaps,
    clashes,
    tokens: inOrder.flatMap(({ name, token, slot }) => {
      if (token === undefined) return [];
      return [slot === undefined ? [name, token] as const : [name, token, slot] as const];
    }),
    slots: new Set(inOrder.flatMap(({ slot }) => slot === undefined ? [] : [slot])),
    maxSilence,
  };
}
