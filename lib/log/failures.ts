import { tryLog } from "./try_log.ts";
import type { Io } from "../io.ts";
import { Logger } from "./logger.ts";
import type { Verdict } from "./verdict.ts";
import type { LogFormat } from "./log_settings.ts";

/** Tells of what ends sera, in the format that its user has asked for, also before the settings have been read. */
export class Failures {
  /** Tells of it as soon as it is known; until then a plain one has to do. */
  logger: Logger | undefined;
  readonly #io: Io;
  readonly #askedFormat: () => Promise<LogFormat>;
  #told: Promise<void> = Promise.resolve();

  /** @param askedFormat Finds the format that was asked for, where there are no settings yet. */
  constructor(io: Io, askedFormat: () => Promise<LogFormat>) {
    this.#io = io;
    this.#askedFormat = askedFormat;
  }

  /** Tells of a failure and of the status that sera exits with. */
  readonly tell = ({ message, exitCode }: Verdict): void => {
    if (this.logger) return tryLog(this.logger, "error", "error", message, { exitCode });
    this.#told = this.#told.then(async () => tryLog(await this.#early(), "error", "error", message, { exitCode }));
  };

  /** Tells of something that ends nothing, before or without settings. */
  async note(message: string): Promise<void> {
    tryLog(this.logger ?? await this.#early(), "error", "note", message);
  }

  /** Resolves when all that was to be told is on its way. */
  async flush(): Promise<void> {
    await this.#told;
    await this.logger?.flush();
  }

  async #early(): Promise<Logger> {
    return new Logger(this.#io, { format: await this.#askedFormat() }, "");
  }
}
