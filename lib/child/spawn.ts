import { messageOf } from "../errors.ts";
import { livingOf, type Survivor, type TargetState, targetState } from "./group.ts";
import { ENDING } from "./signal_lists.ts";
import type { SignalTarget } from "./signals.ts";

/** What happened to a signal: it was delivered, no process was left, or sera may not signal those that are left. */
export type SignalResult = "delivered" | Exclude<TargetState, "reachable">;

/** A running command. */
export interface RunningCommand extends SignalTarget {
  /** Its exit code, or 128+n when signal n ended it; resolves once it has been reaped. */
  readonly ended: Promise<number>;
  /** Its target for kill(2): its PID, or, with a session of its own, the negative number of the whole group. */
  readonly target: number;
  /** Sends it a signal. For a group, kill(2) only reports that at least one process got it. */
  signal(signal: Deno.Signal): SignalResult;
  /** Whether sera has delivered this signal to it. */
  wasSent(signal: Deno.Signal): boolean;
  /** Whether a signal from sera ended it, or may have. */
  wasToldToEnd(): boolean;
  /**
   * Whether any of its processes are left, zombies included. Do not ask again after "nobody": the number may be reused.
   */
  targetState(): TargetState;
  /** Which of its processes are left, without zombies; undefined when not known. */
  living(): Promise<readonly Survivor[] | undefined>;
}

/** The system did not start the command. The reason is worked out in why_not_started.ts, which is loaded only then. */
export class RefusedStartError extends Error {
  /**
   * @param program The first of its words.
   * @param options With what the runtime threw as the cause.
   */
  constructor(readonly program: string, options: { readonly cause: unknown }) {
    super("Cannot start the command", options);
  }
}

/** Whether a command gets a session of its own, see {@linkcode startCommand}. */
export function getsOwnSession(): boolean {
  return Deno.build.os !== "windows" && !Deno.stdin.isTerminal();
}

/**
 * Starts a command with the words as they are, without a shell, on sera's own stdin, stdout and stderr.
 *
 * With a terminal on stdin it stays in sera's process group, so that the terminal's keys and prompts work as if it had
 * been started without sera. Otherwise it gets a session of its own, so that a signal reaches its whole tree.
 *
 * @throws {RefusedStartError} When it cannot be started.
 */
export function startCommand(words: readonly string[]): RunningCommand {
  const [program, ...args] = words as [string, ...string[]];
  const ownSession = getsOwnSession();
  return new Child(spawn(program, args, ownSession), ownSession);
}

class Child implements RunningCommand {
  readonly ownSession: boolean;
  readonly target: number;
  readonly ended: Promise<number>;
  readonly #sent = new Set<Deno.Signal>();
  #diedOf: Deno.Signal | null = null;

  constructor(child: Deno.ChildProcess, ownSession: boolean) {
    this.ownSession = ownSession;
    this.target = ownSession ? -child.pid : child.pid;
    this.ended = this.#statusOf(child);
  }

  signal(signal: Deno.Signal): SignalResult {
    try {
      Deno.kill(this.target, signal);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "nobody";
      // It now runs as another user, whose processes sera may not signal; a shell could not either.
      if (error instanceof Deno.errors.PermissionDenied) return "forbidden";
      throw error;
    }
    this.#sent.add(signal);
    return "delivered";
  }

  wasSent(signal: Deno.Signal): boolean {
    return this.#sent.has(signal);
  }

  wasToldToEnd(): boolean {
    return ENDING.some((signal) => this.#sent.has(signal)) ||
      this.#diedOf !== null && this.#sent.has(this.#diedOf);
  }

  targetState(): TargetState {
    return targetState(this.target);
  }

  living(): Promise<readonly Survivor[] | undefined> {
    return livingOf(this.target);
  }

  async #statusOf(child: Deno.ChildProcess): Promise<number> {
    try {
      const { code, signal } = await child.status;
      this.#diedOf = signal;
      return code;
    } catch (error) {
      // Deno has no names for real-time signals: it reaps the command, and then throws this message.
      const signal = /^Invalid signal: (\d+)$/.exec(messageOf(error))?.[1];
      if (signal === undefined) throw error;
      return 128 + Number(signal);
    }
  }
}

function spawn(program: string, args: string[], detached: boolean): Deno.ChildProcess {
  try {
    return new Deno.Command(program, { args, detached, stdin: "inherit", stdout: "inherit", stderr: "inherit" })
      .spawn();
  } catch (error) {
    throw new RefusedStartError(program, { cause: error });
  }
}
