import { ConfigError, LockUnavailableError, SeraError, type Trouble } from "../errors.ts";
import { ExitCode } from "../exit_codes.ts";
import { printable } from "../text/printable.ts";

/** What a check came to; `skip`: it could not be made, since an earlier one failed. */
export type Status = "pass" | "warn" | "fail" | "skip";

/** One line of the report. */
export interface Check {
  readonly check: string;
  readonly status: Status;
  /** What was found. */
  readonly found: string;
  /** What to do about it; there is one for every `warn` and `fail`. */
  readonly cure?: string | undefined;
}

/** What a look at something gives; what fails throws instead. */
export interface Finding {
  readonly found: string;
  /** Makes a warning of it. */
  readonly cure?: string | undefined;
}

/** What to do where an error does not say it. */
export const CORRECT = "correct that, and run sera doctor again";
const CHECK_SERVER = "check the server, its log and the network";

/** What to know of trouble that may pass: only a wait of 0 gives up at once. */
const MAY_PASS = " (meanwhile sera keeps retrying until <wait> expires)";

/** Collects the checks in the order in which they are made. */
export class Report {
  readonly #tell: (check: Check) => void;
  readonly #checks: Check[] = [];
  #exitCode: number = ExitCode.ok;

  /** @param tell Called with each check as soon as it has been made. */
  constructor(tell: (check: Check) => void) {
    this.#tell = tell;
  }

  get checks(): readonly Check[] {
    return this.#checks;
  }

  /** What a run would exit with for the first failure; 0 if there was none. */
  get exitCode(): number {
    return this.#exitCode;
  }

  /**
   * Makes a check.
   *
   * @param otherwise What to do where the error of a failure does not say it.
   * @returns Whether it did not fail.
   */
  async check(name: string, look: () => Promise<Finding> | Finding, otherwise = CHECK_SERVER): Promise<boolean> {
    try {
      const { found, cure } = await look();
      this.#add(name, cure === undefined ? "pass" : "warn", found, cure);
      return true;
    } catch (error) {
      if (!(error instanceof SeraError)) throw error;
      this.#exitCode ||= error.exitCode;
      const { what, cure = error instanceof ConfigError ? CORRECT : otherwise } = error;
      const passing = error instanceof LockUnavailableError && error.transient ? MAY_PASS : "";
      this.#add(name, "fail", what, cure + passing);
      return false;
    }
  }

  /** Makes a check of something that no run needs: what could not be checked is a warning. */
  async inform(name: string, look: () => Promise<Finding>): Promise<void> {
    await this.check(name, async () => {
      try {
        return await look();
      } catch (error) {
        if (!(error instanceof LockUnavailableError)) throw error;
        const { reason, cure = CHECK_SERVER } = error;
        return { found: `could not be checked: ${reason}`, cure };
      }
    });
  }

  /** Says of the checks that were not made that they could not be. */
  skipRest(names: readonly string[]): void {
    for (const name of names) {
      if (this.#checks.some(({ check }) => check === name)) continue;
      this.#add(name, "skip", "not tried, since an earlier check failed");
    }
  }

  #add(name: string, status: Status, found: string, cure?: string): void {
    // A server's words may hold anything, and a check is one line.
    const check = {
      check: name,
      status,
      found: printable(found),
      ...cure === undefined ? {} : { cure: printable(cure) },
    };
    this.#checks.push(check);
    this.#tell(check);
  }
}

/** Trouble that keeps sera from nothing. */
export function warning({ what, cure = CORRECT }: Trouble): Finding {
  return { found: what, cure };
}

/** A check as one line of text. */
export function textOf({ check, status, found, cure }: Check): string {
  return `${status}  ${check.padEnd(11)}  ${found}${cure === undefined ? "" : `; ${cure}`}\n`;
}
