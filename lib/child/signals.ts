import { InterruptedError } from "../errors.ts";
import { readOwnProc } from "./proc.ts";

/** Signals by number, the same on all systems that sera runs on. POSIX, kill(1). */
const NUMBERS: Partial<Record<Deno.Signal, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 };

/** The signals that end sera while it waits. */
const ENDING: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"];

/** Signals that mean the same everywhere and that are passed on besides the ending ones. */
const PASSED_ON: readonly Deno.Signal[] = [
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGVTALRM",
  "SIGPROF",
  "SIGIO",
  "SIGURG",
  "SIGXCPU",
  "SIGXFSZ",
  "SIGTRAP",
  "SIGABRT",
  "SIGBUS",
  "SIGSYS",
];
const PASSED_ON_LINUX: readonly Deno.Signal[] = ["SIGPWR", "SIGSTKFLT"];

/** Signals about the terminal or about stopping. In a shared group the kernel or the shell sends them to the command. */
const JOB_CONTROL: readonly Deno.Signal[] = ["SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGCONT", "SIGWINCH"];

/**
 * The kernel does not let SIGTSTP, SIGTTIN and SIGTTOU stop a group that has no shell to wake it again, and a command in a
 * session of its own is such a group. SIGSTOP always works; tini and dumb-init do the same.
 */
const STOPPING: readonly Deno.Signal[] = ["SIGTSTP", "SIGTTIN", "SIGTTOU"];

/** Who knows the signals that sera was started with ignored; asked only when one comes. */
export interface SignalWitness {
  readonly ignored: ReadonlySet<Deno.Signal>;
}

/** What signals are passed on to. */
export interface SignalTarget {
  /** Whether it has a session of its own, out of reach of the terminal's keys. */
  readonly ownSession: boolean;
  /** Sends a signal to it. */
  signal(signal: Deno.Signal): void;
}

/**
 * Catches the signals that sera gets: until the command runs, one of them ends the wait; then they are the command's.
 * A signal that sera was started with ignored, as nohup(1) does with SIGHUP, stays ignored, and is not passed on.
 */
export class SignalRelay implements Disposable {
  readonly #ended = new AbortController();
  readonly #witness: SignalWitness;
  readonly #listeners = new Map<Deno.Signal, () => void>();
  #target: SignalTarget | undefined;
  #passedOn: number | undefined;

  constructor(witness: SignalWitness) {
    this.#witness = witness;
    for (const signal of ENDING) this.#listen(signal);
  }

  /** Fires when a signal came before there was a command; the reason is an {@linkcode InterruptedError}. */
  get interrupted(): AbortSignal {
    return this.#ended.signal;
  }

  /** The number of the first signal that was to end sera and went to the command instead. */
  get passedOn(): number | undefined {
    return this.#passedOn;
  }

  /** From now on passes every signal that can be caught on to the command. */
  passOnTo(target: SignalTarget): void {
    this.#target = target;
    if (Deno.build.os === "windows") return;
    for (const signal of PASSED_ON) this.#listen(signal);
    if (Deno.build.os === "linux") { for (const signal of PASSED_ON_LINUX) this.#listen(signal); }
    if (target.ownSession) { for (const signal of JOB_CONTROL) this.#listen(signal); }
  }

  /**
   * From now on there is no command any more, and sera waits again.
   *
   * @returns Fires when a signal comes that is to end sera.
   */
  endPassingOn(): AbortSignal {
    this.#target = undefined;
    return this.interrupted;
  }

  /** From now on the signals have nobody to go to: the command has ended, and sera is about to. */
  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
    this.#listeners.clear();
  }

  #listen(signal: Deno.Signal): void {
    // Deno takes SIGHUP and SIGINT into its own hands as soon as anybody listens to any signal, and would end by them. So
    // the ignored ones have to be caught and dropped.
    const listener = () => this.#isIgnored(signal) || this.#received(signal);
    Deno.addSignalListener(signal, listener);
    this.#listeners.set(signal, listener);
  }

  /** With a terminal on stdin none is: nohup(1) takes it away, and so does a shell for what it starts in the background. */
  #isIgnored(signal: Deno.Signal): boolean {
    return ENDING.includes(signal) && !Deno.stdin.isTerminal() && this.#witness.ignored.has(signal);
  }

  #received(signal: Deno.Signal): void {
    if (!this.#target) {
      if (ENDING.includes(signal)) this.#ended.abort(new InterruptedError(NUMBERS[signal] ?? 0));
      return;
    }
    if (ENDING.includes(signal)) this.#passedOn ??= NUMBERS[signal];
    if (this.#target.ownSession) {
      if (!STOPPING.includes(signal)) return this.#target.signal(signal);
      this.#target.signal("SIGSTOP");
      // Sera as well: a shell waits for that before it takes its terminal back. SIGCONT then wakes both.
      return Deno.kill(Deno.pid, "SIGSTOP");
    }
    // A key of the terminal reaches the whole foreground group, the command too; twice would mean "at once" to many.
    const fromKey = (signal === "SIGINT" || signal === "SIGQUIT") && inForeground();
    if (!fromKey) this.#target.signal(signal);
  }
}

/** Whether sera is in the terminal's foreground group. Where that cannot be told, a terminal on stdin says yes. */
function inForeground(): boolean {
  const stat = readOwnProc("stat");
  if (!stat) return true;
  // pid (name) state ppid pgrp session tty_nr tpgid …; the name may hold spaces and parentheses. proc(5)
  const text = new TextDecoder().decode(stat);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields[2] === fields[5];
}
