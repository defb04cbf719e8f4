import type { Io } from "../io.ts";
import { printable, printableJson } from "../text/printable.ts";
import type { LogSettings } from "./log_settings.ts";

/** How much a line matters. An `error` is always told; a `notice` (a failed attempt) goes to syslog too. */
export type Level = "info" | "notice" | "error";

/** What happened, in a form that machines read. */
export type EventName =
  | "note"
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
  /** What the name was made of; undefined where it is not to be told. */
  readonly key: string | undefined;
  /** What others see of the command. */
  readonly label: string;
}

/** Who holds a lock, in the names and types that JSON lines have for it; what is not known is not there. */
export type HolderFields = Readonly<Record<string, string | number | undefined>>;

/** What a line may tell besides its message. */
export interface EventFields {
  /** How long it took to get the lock, in milliseconds. */
  readonly waited?: number | undefined;
  /** How long the lock was held, in milliseconds. */
  readonly held?: number | undefined;
  /** What sera exits with. Not given where that is not decided yet. */
  readonly exitCode?: number | undefined;
  /** What the command ended with, which is another one where sera has stopped it. */
  readonly commandExitCode?: number | undefined;
  /** Who else holds the lock. */
  readonly holder?: HolderFields | undefined;
}

/** Says what happens: on stderr what always has to be said, the rest where the settings want it. */
export class Logger {
  readonly #io: Io;
  readonly #settings: LogSettings;
  /** The command's words, which syslog lines begin with. */
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

  /** From now on events tell what they are about. */
  about(subject: Subject): void {
    this.#subject = subject;
  }

  /** From now on events tell which run of the ledger they belong to. */
  inRun(id: bigint | undefined): void {
    this.#runId = id?.toString();
  }

  /** From now on events tell what sera is going to exit with: that is decided. */
  exitsWith(exitCode: number): void {
    this.#exitCode = exitCode;
  }

  /** Whether lines are objects of JSON. */
  get isJson(): boolean {
    return this.#settings.format === "json";
  }

  /** Whether anybody hears of an event of this level. */
  tells(level: Level): boolean {
    if (level === "error" || this.#settings.verbose !== undefined) return true;
    return level === "notice" && this.#settings.syslog !== undefined && this.#settings.syslog !== false;
  }

  /** Tells of an event. A notice and an info line are for those who asked for verbose. */
  log(level: Level, event: EventName, text: string, fields: EventFields = {}): void {
    if (!this.tells(level)) return;
    // One line that no word of the user's can break up, and that sends a terminal nothing but text.
    const message = printable(text);
    const line = this.isJson
      ? this.#json(level, event, message, fields)
      : level === "error"
      ? `sera: ${message}\n`
      : `${message}\n`;
    if (level === "error") this.#io.err(line);
    else if (this.#settings.verbose === "stdout") this.#io.out(line);
    else if (this.#settings.verbose === "stderr") this.#io.err(line);

    if (level !== "info" && this.#settings.syslog) this.#toSyslog(this.#settings.syslog, level, message);
  }

  /** Waits until syslog has what it was sent, or is not going to take it. */
  flush(): Promise<void> {
    return this.#sending;
  }

  #json(level: Level, event: EventName, message: string, fields: EventFields): string {
    const { waited, held, exitCode = this.#exitCode, commandExitCode, holder } = fields;
    const record = {
      time: new Date().toISOString(),
      level,
      event,
      ...this.#subject,
      host: Deno.hostname(),
      pid: Deno.pid,
      run_id: this.#runId,
      holder,
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
