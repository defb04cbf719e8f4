import type { FlagSpec } from "../args/go_flags.ts";
import { tell } from "./tell.ts";
import type { Io } from "../io.ts";
import { Logger } from "./logger.ts";
import type { Verdict } from "../verdict.ts";

/** Tells of what ends sera, in the format that its user has asked for, also before the settings have been read. */
export class Failures {
  /** Tells of it as soon as it is known; until then the words and variables have to do. */
  logger: Logger | undefined;
  readonly #io: Io;
  readonly #words: readonly string[];
  readonly #specs: readonly FlagSpec[];
  #told: Promise<void> = Promise.resolve();

  /**
   * @param words The words that the flags stand in.
   * @param specs The flags that may stand there.
   */
  constructor(io: Io, words: readonly string[], specs: readonly FlagSpec[]) {
    this.#io = io;
    this.#words = words;
    this.#specs = specs;
  }

  /** Tells of a failure and of the status that sera exits with. */
  readonly tell = ({ message, exitCode }: Verdict): void => {
    if (this.logger) return tell(this.logger, "error", "error", message, { exitCode });
    this.#told = this.#told.then(async () => tell(await this.#early(), "error", "error", message, { exitCode }));
  };

  /** Tells of something that ends nothing, before or without settings. */
  async note(message: string): Promise<void> {
    tell(this.logger ?? await this.#early(), "error", "note", message);
  }

  /** Resolves when all that was to be told is on its way. */
  async flush(): Promise<void> {
    await this.#told;
    await this.logger?.flush();
  }

  async #early(): Promise<Logger> {
    const { askedFormat } = await import("./asked_format.ts");
    return new Logger(this.#io, { format: await askedFormat(this.#words, this.#specs, this.#io.env) }, "");
  }
}
