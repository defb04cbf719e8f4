/** The output of a test run: its progress and the summary. */

import type { Ran } from "./lane.ts";
import type { Failure, Outcome } from "./outcome.ts";

/** How many of the slowest tests to list. */
const SLOWEST_SHOWN = 10;

/** How many lines of a failure to repeat. */
const REASON_LINES = 20;

/** Says how the run goes on: on a terminal what runs now is the last line, written over and over. */
export class Screen {
  readonly #live = Deno.stdout.isTerminal();
  readonly #running = new Set<string>();
  readonly #started = performance.now();
  #ended = 0;

  constructor(readonly total: number) {}

  starts(path: string): void {
    this.#running.add(path);
    if (this.#live) this.#now();
    else console.log(`run  ${path}`);
  }

  ends(path: string, { outcome, output, seconds }: Ran): void {
    this.#running.delete(path);
    this.#ended++;
    const { passed, failures: { length: failed } } = outcome;
    this.#say(
      `${failed > 0 ? "FAIL" : "ok  "} ${path}: ${passed} passed${failed > 0 ? `, ${failed} failed` : ""} ` +
        `(${seconds.toFixed(1)} s; ${this.#ended} of ${this.total})`,
    );
    if (failed > 0) this.#say(output.trimEnd());
    else for (const line of leftOut(output)) this.#say(`     ${line}`);
    if (this.#live) this.#now();
  }

  /** The last lines; the very last is as `deno test` words it. */
  sums({ passed, ignored, failures, tests }: Outcome): void {
    this.#say("\nthe slowest tests:");
    for (const { seconds, file, name } of tests.toSorted((a, b) => b.seconds - a.seconds).slice(0, SLOWEST_SHOWN)) {
      console.log(`  ${seconds.toFixed(1).padStart(5)} s  ${file}: ${name}`);
    }
    if (failures.length > 0) console.log(`\nthe failures again:\n${failures.map(failureText).join("\n")}`);
    const seconds = Math.round((performance.now() - this.#started) / 1000);
    const time = seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
    console.log(
      `\n${failures.length > 0 ? "FAILED" : "ok"} | ${passed} passed | ${failures.length} failed` +
        `${ignored > 0 ? ` | ${ignored} ignored` : ""} (${time})`,
    );
  }

  #say(text: string): void {
    console.log(this.#live ? `\r\x1b[K${text}` : text);
  }

  #now(): void {
    const text = `${this.#ended} of ${this.total}; now: ${[...this.#running].join(", ")}`;
    const { columns } = Deno.consoleSize();
    Deno.stdout.writeSync(new TextEncoder().encode(`\r\x1b[K${text.slice(0, columns - 1)}`));
  }
}

/** Where it was, and why it failed, as far as the first lines tell. */
function failureText({ file, name, reason }: Failure): string {
  const lines = reason.trim().split("\n").slice(0, REASON_LINES).map((line) => `    ${line}`);
  return [`  ${file}: ${name ?? "outside of its tests"}`, ...lines].join("\n");
}

/** The lines in which tests say that, and why, they are left out. */
function leftOut(output: string): string[] {
  return output.split("\n").filter((line) => line.startsWith("left out: "));
}
