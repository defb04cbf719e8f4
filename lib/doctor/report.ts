import { ConfigError, LockUnavailableError, SeraError, type Trouble } from "../errors.ts";
import { ExitCode } from "../exit_codes.ts";
import { printable } from "../text/printable.ts";

/** The result of a check; `skip`: it was not made, since an earlier one failed. */
export type Status = "pass" | "warn" | "fail" | "skip";

/** One line of the report. */
export interface Check {
  readonly check: string;
  readonly status: Status;
  /** What was found. */
  readonly found: string;
  /** What to do about it; every `warn` and `fail` has one. */
  readonly cure?: string | undefined;
  readonly figures?: Figures | undefined;
}

/** What was measured, for programs: by a name with its unit. */
export type Figures = Readonly<Record<string, number>>;

/** The result of a check that passes or warns; a check that fails throws instead. */
export interface Finding {
  readonly found: string;
  /** The same with its moments in the local time zone; absent if it has none. */
  readonly local?: string | undefined;
  /** What to do about it; makes the result a warning. */
  readonly cure?: string | undefined;
  readonly figures?: Figures | undefined;
}

/** A finding that is a warning. */
export type Warning = Finding & { readonly cure: string };

/** Cures for errors that have none of their own. */
export const FIX_AND_RETRY = "fix that, and run sera doctor again";
const CHECK_SERVER = "check the server, its log and the network";

/** Added to the cure of a transient error, which a run with a wait retries. */
const MAY_PASS = " (meanwhile sera keeps retrying until <wait> expires)";

/** Runs checks, and collects their results in order. */
export class Report {
  readonly #tell: (check: Check, local?: string) => void;
  readonly #checks: Check[] = [];
  #exitCode: number = ExitCode.ok;

  /** @param tell Called with each check as soon as it has its result; `local` is what was found, in the local time zone. */
  constructor(tell: (check: Check, local?: string) => void) {
    this.#tell = tell;
  }

  get checks(): readonly Check[] {
    return this.#checks;
  }

  /** What a run would exit with because of the first failure; 0 if there was none. */
  get exitCode(): number {
    return this.#exitCode;
  }

  /**
   * Runs a check.
   *
   * @param otherwise The cure for an error that has none of its own.
   * @returns Whether it did not fail.
   */
  async check(name: string, look: () => Promise<Finding> | Finding, otherwise = CHECK_SERVER): Promise<boolean> {
    try {
      const finding = await look();
      this.#add(name, finding.cure === undefined ? "pass" : "warn", finding);
      return true;
    } catch (error) {
      if (!(error instanceof SeraError)) throw error;
      this.#exitCode ||= error.exitCode;
      const { what, cure = error instanceof ConfigError ? FIX_AND_RETRY : otherwise } = error;
      const passing = error instanceof LockUnavailableError && error.transient ? MAY_PASS : "";
      this.#add(name, "fail", { found: what, cure: cure + passing });
      return false;
    }
  }

  /** Runs a check of something that no run needs: if that fails, it is only a warning. */
  async checkOptional(name: string, look: () => Promise<Finding>): Promise<void> {
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

  /** Reports those of the named checks that were not made as skipped. */
  skipRest(names: readonly string[]): void {
    for (const name of names) {
      if (this.#checks.some(({ check }) => check === name)) continue;
      this.#add(name, "skip", { found: "not tried, since an earlier check failed" });
    }
  }

  #add(name: string, status: Status, { found, cure, figures, local = found }: Finding): void {
    // A server's message may hold anything, and a check must be one line.
    const check = {
      check: name,
      status,
      found: printable(found),
      ...cure === undefined ? {} : { cure: printable(cure) },
      ...figures === undefined ? {} : { figures },
    };
    this.#checks.push(check);
    this.#tell(check, printable(local));
  }
}

/** A warning: trouble that does not keep a run from working. */
export function warning({ what, cure = FIX_AND_RETRY }: Trouble): Finding {
  return { found: what, cure };
}

/** A check as one line of text. */
export function textOf({ check, status, found, cure }: Check): string {
  return `${status}  ${check.padEnd(11)}  ${found}${cure === undefined ? "" : `; ${cure}`}\n`;
}
