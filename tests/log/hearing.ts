/** Records what a logger writes, in order. */

import type { Io } from "../../lib/io.ts";

/** An `Io` that records the output. */
export class Hearing implements Io {
  readonly said: (readonly ["out" | "err", string])[] = [];

  env(): undefined {
    return undefined;
  }

  out(text: string): void {
    this.said.push(["out", text]);
  }

  err(text: string): void {
    this.said.push(["err", text]);
  }

  /** The lines of JSON that were said. */
  get records(): Record<string, unknown>[] {
    return this.said.map(([, line]) => JSON.parse(line));
  }
}
