/** Fake surroundings of a command: processes, signals, the clock, the lock and the ledger. */

import { SignalInfo } from "../../lib/child/signal_info.ts";
import { SignalRelay } from "../../lib/child/signals.ts";
import type { ShellStatus } from "../../lib/child/shell_status.ts";
import type { BackendLock } from "../../lib/backends/backend.ts";
import type { Execution } from "../../lib/commands/run/execution.ts";
import type { Job } from "../../lib/commands/run/job.ts";
import { Progress } from "../../lib/commands/run/progress.ts";
import { exitCodeOf } from "../../lib/commands/run/attempt_run.ts";
import type { WatchParts } from "../../lib/commands/run/watch.ts";
import { LockLostError } from "../../lib/errors.ts";
import type { Io } from "../../lib/io.ts";
import type { LedgerRun } from "../../lib/ledger/begun_run.ts";
import type { HeldLock } from "../../lib/lock/lock.ts";
import { identitiesOf } from "../../lib/lock/lock_identity.ts";
import { Logger } from "../../lib/log/logger.ts";
import { resolveSettings } from "../../lib/settings/resolve.ts";
import type { Settings } from "../../lib/settings/settings.ts";
import { type FakeProcess, FakeSystem } from "../child/fake_system.ts";
import { FakeClock } from "../lock/fake_clock.ts";

/** A helper shell that records the calls. */
export class FakeHelperShell {
  ready: Promise<void> = Promise.resolve();
  isWatching = true;
  answer: ShellStatus | undefined = { ignored: 0, blocked: 0, fenced: false, got: [] };
  onGone: (message: string) => void = () => undefined;
  /** Throws where its shell is broken. */
  throwIfBroken: () => Promise<void> = () => Promise.resolve();

  /** @param events Where it is noted. */
  constructor(readonly events: string[]) {}

  kill(target: number, left = Infinity): void {
    this.events.push(`helper shell: kill ${Math.sign(target)} ${left}`);
  }
  renew(left: number): void {
    this.events.push(`helper shell: renew ${left}`);
  }
  status(): Promise<ShellStatus | undefined> {
    return Promise.resolve(this.answer);
  }
  end(): Promise<void> {
    this.events.push("helper shell: ended");
    return Promise.resolve();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}

/** The settings that flags make of a lock in files. */
export function settingsOf(flags: Readonly<Record<string, string>> = {}): Promise<Settings> {
  return resolveSettings(new Map(Object.entries({ server: "file:/nowhere", ...flags })), () => undefined, false);
}

/** All events are in `events`, in order: messages, and calls to the helper shell, the lock and the run. */
export class FakePlace implements Disposable {
  readonly events: string[] = [];
  readonly clock = new FakeClock();
  readonly system = new FakeSystem();
  readonly lost = new AbortController();
  readonly #variables = new Set(Object.keys(Deno.env.toObject()));
  /** The environment as sera sees it. */
  readonly env: Record<string, string> = {};
  readonly io: Io = {
    env: (name) => this.env[name],
    out: (text) => void this.events.push(text.trim()),
    err: (text) => void this.events.push(text.trim()),
  };
  readonly logger: Logger;
  readonly helperShell = new FakeHelperShell(this.events);
  readonly signalInfo = new SignalInfo(() => this.helperShell.status());
  readonly signals = new SignalRelay(this.signalInfo);
  readonly watch: WatchParts = this;
  readonly progress = new Progress(({ message }) => void this.events.push(`sera: ${message}`));

  /** @param verbose Whether verbose messages are logged as well. */
  constructor(verbose = false) {
    this.logger = new Logger(this.io, { format: "text", verbose: verbose ? "stdout" : undefined }, "words");
  }

  /** The command, once it has been started. */
  get command(): FakeProcess {
    const [command] = this.system.processes;
    if (!command) throw new Error("the command has not been started");
    return command;
  }

  /** Some time later, in milliseconds. */
  async later(time = 0): Promise<void> {
    await this.clock.to(this.clock.now + time);
  }

  /** The lock is lost. */
  lose(within = 0): void {
    this.lost.abort(new LockLostError("Lock lost: fake", undefined, within));
  }

  held(parts: Partial<HeldLock> = {}): HeldLock {
    return {
      lost: this.lost.signal,
      asked: new AbortController().signal,
      session: undefined,
      left: Infinity,
      onRenewed: undefined,
      commandEnded: () => void this.events.push("lock: command ended"),
      heldToEnd: false,
      confirm: () => this.lost.signal.aborted ? Promise.reject(this.lost.signal.reason) : Promise.resolve(),
      release: () => {
        if (this.lost.signal.aborted) return Promise.reject(this.lost.signal.reason);
        this.events.push("lock: released");
        return Promise.resolve();
      },
      ...parts,
    };
  }

  run(parts: Partial<LedgerRun> = {}): LedgerRun {
    return {
      id: 7n,
      unrecorded: { what: "it may run again", cure: "check it" },
      finish: (outcome, exitCode) => {
        this.events.push(`run: ${outcome} ${exitCode}`);
        return Promise.resolve();
      },
      ...parts,
    };
  }

  /** Parts that differ from these are given by the test. */
  execution(parts: Partial<Execution> = {}): Execution {
    return {
      lock: this.held(),
      words: ["job", "argument"],
      watch: this.watch,
      logger: this.logger,
      io: this.io,
      progress: this.progress,
      grace: 10_000,
      onLost: "terminate",
      variables: {},
      exitCodeOf,
      ...parts,
    };
  }

  job(parts: Partial<Job> & Pick<Job, "mode" | "settings">): Job {
    return {
      request: { wait: 0, words: ["job", "argument"] },
      io: this.io,
      logger: this.logger,
      progress: this.progress,
      identity: identitiesOf(["job", "argument"], {}),
      limits: {},
      lock: this.#lock,
      watch: this.watch,
      recorder: undefined,
      retrying: () => undefined,
      inheritedLocks: undefined,
      ...parts,
    };
  }

  /** One without a visible holder. */
  readonly #lock: BackendLock = {
    acquire: () => Promise.reject(new Error("the mode is the test's")),
    session: () => Promise.resolve(undefined),
    sightings: () => Promise.resolve({ sightings: [], otherSessions: [] }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };

  [Symbol.dispose](): void {
    for (const name of Object.keys(Deno.env.toObject())) if (!this.#variables.has(name)) Deno.env.delete(name);
    this.progress[Symbol.dispose]();
    this.signals[Symbol.dispose]();
    this.system[Symbol.dispose]();
    this.clock[Symbol.dispose]();
  }
}
