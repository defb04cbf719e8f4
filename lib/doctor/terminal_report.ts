import { ExitCode } from "../exit_codes.ts";
import { wrapped } from "../text/wrapped.ts";
import type { Check, Report, Status } from "./report.ts";

/** Colours. ECMA-48, SGR: green, yellow, red, faint, and none. */
const COLOURS: Readonly<Record<Status, string>> = { pass: "32", warn: "33", fail: "31", skip: "2" };

/** How wide the status and a usual check's name are, with what is between the columns. */
const [STATUS, NAME] = [6, 13];

/** With fewer columns than this for what was found, its further rows begin below the check's name. */
const NARROW = 40;

/** How the terminal is. */
export interface TerminalLook {
  /** Its width in columns. */
  readonly width: number;
  readonly hasColours: boolean;
}

/** The report for a person at a terminal: in colour, cut into rows between words, what was not tried in one, and a verdict. */
export class TerminalReport {
  readonly #look: TerminalLook;
  readonly #out: (text: string) => void;
  readonly #skipped: string[] = [];

  constructor(look: TerminalLook, out: (text: string) => void) {
    this.#look = look;
    this.#out = out;
  }

  /** Shows a check; one that was not tried only with the others, at the end. */
  tell({ check, status, found, cure }: Check, local = found): void {
    if (status === "skip") this.#skipped.push(check);
    else this.#row(status, check, cure === undefined ? local : `${local}; ${cure}`);
  }

  /** Shows what was not tried, and what it all comes to. */
  end({ checks, exitCode }: Pick<Report, "checks" | "exitCode">): void {
    if (this.#skipped.length > 0) {
      this.#row("skip", "", `not tried, since an earlier check failed: ${this.#skipped.join(", ")}`);
    }
    const count = (wanted: Status) => checks.filter(({ status }) => status === wanted).length;
    const [warnings, failures] = [count("warn"), count("fail")];
    const also = warnings === 0 ? "" : `${warnings} ${warnings === 1 ? "warning" : "warnings"}`;
    const [status, verdict]: [Status, string] = exitCode === ExitCode.ok
      ? [warnings > 0 ? "warn" : "pass", `A run can get its lock${also && `; ${also}`}.`]
      : [
        "fail",
        `A run would exit with ${exitCode}: ${failures} ${failures === 1 ? "check" : "checks"} failed${
          also && `, ${also}`
        }.`,
      ];
    this.#out(`${this.#coloured(status, wrapped(verdict, this.#look.width).join("\n"))}\n`);
  }

  #row(status: Status, check: string, text: string): void {
    const indent = STATUS + (check === "" ? 0 : Math.max(NAME, check.length + 2));
    const name = check === "" ? "" : check.padEnd(indent - STATUS);
    const rest = this.#look.width - indent;
    const [head, rows, margin] = rest < NARROW
      ? ["", wrapped(name + text, this.#look.width - STATUS), STATUS]
      : [name, wrapped(text, rest), indent];
    this.#out(`${this.#coloured(status, status)}  ${head}${rows.join(`\n${" ".repeat(margin)}`)}\n`);
  }

  #coloured(status: Status, text: string): string {
    return this.#look.hasColours ? `\x1b[${COLOURS[status]}m${text}\x1b[m` : text;
  }
}
