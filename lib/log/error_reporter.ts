import { tryLog } from "./try_log.ts";
import type { Io } from "../io.ts";
import { Logger } from "./logger.ts";
import type { Verdict } from "./verdict.ts";
import type { LogFormat } from "./log_settings.ts";

/** Reports errors that end sera, in the requested log format, even before the settings have been read. */
export class ErrorReporter {
  /** Set once the settings are known; until then errors go to a plain logger. */
  logger: Logger | undefined;
  readonly #io: Io;
  readonly #requestedFormat: () => Promise<LogFormat>;
  #told: Promise<void> = Promise.resolve();

  /** @param requestedFormat Finds the log format before there are settings. */
  constructor(io: Io, requestedFormat: () => Promise<LogFormat>) {
    this.#io = io;
    this.#requestedFormat = requestedFormat;
  }

  /** Reports an error and sera's exit code. */
  readonly report = ({ message, exitCode }: Verdict): void => {
    if (this.logger) return tryLog(this.logger, "error", "error", message, { exitCode });
    this.#told = this.#told.then(async () => tryLog(await this.#early(), "error", "error", message, { exitCode }));
  };

  /** Reports something that does not end sera, and is no error. Without settings it is written even if not verbose. */
  async note(message: string): Promise<void> {
    const logger = this.logger ?? await this.#early("stderr");
    tryLog(logger, logger.isJson ? "info" : "error", "note", message);
  }

  /** Resolves when all reports have been passed on to the output streams and to syslog. */
  async flush(): Promise<void> {
    await this.#told;
    await this.logger?.flush();
  }

  async #early(verbose?: "stderr"): Promise<Logger> {
    return new Logger(this.#io, { format: await this.#requestedFormat(), verbose }, "");
  }
}
