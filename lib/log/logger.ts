import type { Io } from "../io.ts";
import { printable, printableJson } from "../text/printable.ts";
import type { LogSettings } from "./log_settings.ts";

/** The level of a line. An `error` is always written to stderr; a `notice` (a failed attempt) also goes to syslog. */
export type Level = "info" | "notice" | "error";

/** What happened, for programs that read JSON lines. */
export type EventName =
  | "note"
  | "pausing"
  | "waiting"
  | "acquired"
  | "released"
  | "finished"
  | "busy"
  | "skipped"
  | "interrupted"
  | "error";

/** What a run's events are about. */
export interface Subject {
  /** The lock's name. */
  readonly lock: string;
  /** The text that the name is computed from; undefined if it must not be shown. */
  readonly key: string | undefined;
  /** The name for the command that others see. */
  readonly label: string;
}

/** The holder of a lock, with the keys and types of JSON lines; unknown values are left out. */
export type HolderFields = Readonly<Record<string, string | number | undefined>>;

/** What a JSON line may contain besides its message. */
export interface EventFields {
  /** How long sera pauses before it asks for the lock, in milliseconds. */
  readonly pause?: number | undefined;
  /** How long it took to get the lock, in milliseconds. */
  readonly waited?: number | undefined;
  /** How long the lock was held, in milliseconds. */
  readonly held?: number | undefined;
  /** What sera exits with; left out if not decided yet. */
  readonly exitCode?: number | undefined;
  /** What the command exited with; differs from `exitCode` if sera has stopped it. */
  readonly commandExitCode?: number | undefined;
  /** The slot that is held, from 0 on. */
  readonly slot?: number | undefined;
  /** Who else holds the lock. */
  readonly holder?: HolderFields | undefined;
}

/** Writes log lines: errors always to stderr, the rest where the settings say. */
export class Logger {
  readonly #io: Io;
  readonly #settings: LogSettings;
  /** The command's words joined by spaces; every syslog line begins with them. */
  readonly #command: string;
  #subject: Subject | undefined;
  #runId: string | undefined;
  #exitCode: number | undefined;
  #sending: Promise<void> = Promise.resolve();

  /** @param command The command's words joined by spaces. */
  constructor(io: Io, settings: LogSettings, command: string) {
    this.#io = io;
    this.#settings = settings;
    this.#command = command;
  }

  /** From now on adds the lock to JSON lines. */
  about(subject: Subject): void {
    this.#subject = subject;
  }

  /** From now on adds the number of the ledger's run to JSON lines. */
  inRun(id: bigint | undefined): void {
    this.#runId = id?.toString();
  }

  /** From now on adds sera's exit code to JSON lines. */
  exitsWith(exitCode: number): void {
    this.#exitCode = exitCode;
  }

  /** Whether lines are JSON objects. */
  get isJson(): boolean {
    return this.#settings.format === "json";
  }

  /** Whether a line of this level is written anywhere. */
  isEnabled(level: Level): boolean {
    if (level === "error" || this.#settings.verbose !== undefined) return true;
    return level === "notice" && (this.#isInSyslog || this.isInteractive);
  }

  /** Whether a person at a terminal, without `--verbose`, is shown what would otherwise go unnoticed. */
  get isInteractive(): boolean {
    const { verbose, quiet = false, format } = this.#settings;
    return verbose === undefined && !quiet && format === "text" && this.#io.errWidth?.() !== undefined;
  }

  /** Whether a notice goes to a person at the terminal only, and into no log. */
  get hasOnlyTerminal(): boolean {
    return this.isInteractive && !this.#isInSyslog;
  }

  /** Logs an event of the level info, and shows it to a person at a terminal even without `--verbose`. */
  announce(event: EventName, text: string, fields: EventFields = {}): void {
    this.log("info", event, text, fields);
    if (this.isInteractive) this.#io.err(`sera: ${printable(text)}\n`);
  }

  /**
   * Logs an event. Lines of the levels notice and info are written to a stream only if verbose is set, a notice also at a
   * terminal.
   */
  log(level: Level, event: EventName, text: string, fields: EventFields = {}): void {
    if (!this.isEnabled(level)) return;
    // No line breaks or control characters, whatever the command's words contain.
    const message = printable(text);
    const line = this.isJson
      ? this.#json(level, event, message, fields)
      : level === "error"
      ? `sera: ${message}\n`
      : `${message}\n`;
    if (level === "error") this.#io.err(line);
    else if (this.#settings.verbose === "stdout") this.#io.out(line);
    else if (this.#settings.verbose === "stderr") this.#io.err(line);
    else if (this.isInteractive) this.#io.err(`sera: ${line}`);

    if (level !== "info" && this.#settings.syslog) this.#toSyslog(this.#settings.syslog, level, message);
  }

  /** Resolves when syslog has received all lines, or has failed to. */
  flush(): Promise<void> {
    return this.#sending;
  }

  get #isInSyslog(): boolean {
    return this.#settings.syslog !== undefined && this.#settings.syslog !== false;
  }

  #json(level: Level, event: EventName, message: string, fields: EventFields): string {
    const { pause, waited, held, slot, exitCode = this.#exitCode, commandExitCode, holder } = fields;
    const record = {
      time: new Date().toISOString(),
      level,
      event,
      ...this.#subject,
      host: Deno.hostname(),
      pid: Deno.pid,
      slot,
      run_id: this.#runId,
      holder,
      pause: seconds(pause),
      waited: seconds(waited),
      held: seconds(held),
      command_exit_code: commandExitCode,
      exit_code: exitCode,
      message,
    };
    return `${printableJson(record)}\n`;
  }

  #toSyslog(socket: string | true, level: Level, message: string): void {
    const text = `${this.#command} | ${message}`;
    this.#sending = this.#sending.then(async () => {
      const { sendToSyslog } = await import("./syslog.ts");
      await sendToSyslog(socket === true ? undefined : socket, level === "error" ? "err" : "notice", text);
    }).catch(() => undefined);
  }
}

function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : Math.round(milliseconds) / 1000;
}
