import type { LogSettings } from "../config/config.ts";
import type { Io } from "../io.ts";
import { printable } from "../printable.ts";
import { sendToSyslog } from "./syslog.ts";

/** How much a line matters. An `error` is always told; a `notice` (a failed attempt) goes to syslog too. */
export type Level = "info" | "notice" | "error";

/** What happened, in a form that machines read. */
export type EventName = "note" | "waiting" | "acquired" | "released" | "finished" | "busy" | "skipped" | "error";

/** What a line may tell besides its message. */
export interface EventFields {
  /** How long it took to get the lock, in milliseconds. */
  readonly waited?: number | undefined;
  /** How long the lock was held, in milliseconds. */
  readonly held?: number | undefined;
  /** The status that the command or sera ended with. */
  readonly exitCode?: number | undefined;
}

/** Says what happens: on stderr what always has to be said, the rest where the settings want it. */
export class Logger {
  readonly #io: Io;
  readonly #settings: LogSettings;
  /** The command's words, which syslog lines begin with. */
  readonly #command: string;
  #lockName: string | undefined;
  #sending: Promise<void> = Promise.resolve();

  /** @param command The command's words joined by spaces. */
  constructor(io: Io, settings: LogSettings, command: string) {
    this.#io = io;
    this.#settings = settings;
    this.#command = command;
  }

  /** From now on events tell which lock they are about. */
  aboutLock(name: string): void {
    this.#lockName = name;
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
    const line = this.#settings.format === "json"
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

  #json(level: Level, event: EventName, message: string, { waited, held, exitCode }: EventFields): string {
    return JSON.stringify({
      time: new Date().toISOString(),
      level,
      event,
      lock: this.#lockName,
      waited: seconds(waited),
      held: seconds(held),
      exit_code: exitCode,
      message,
    }) + "\n";
  }

  #toSyslog(socket: string | true, level: Level, message: string): void {
    const text = `${this.#command} | ${message}`;
    this.#sending = this.#sending.then(() =>
      sendToSyslog(socket === true ? undefined : socket, level === "error" ? "err" : "notice", text)
    ).catch(() => undefined);
  }
}

function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : Math.round(milliseconds) / 1000;
}
