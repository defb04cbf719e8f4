/** A private syslog daemon. */

import { fixture, type Place } from "./place.ts";
import { Running } from "./running.ts";
import { until } from "./wait.ts";

/** A daemon that takes lines, or one that is stuck. Disposing of it ends it. */
export class SyslogDaemon implements AsyncDisposable {
  /** The path of its socket. */
  readonly path: string;
  readonly #process: Running;
  #told = 0;

  private constructor(path: string, process: Running) {
    this.path = path;
    this.#process = process;
  }

  static async start(place: Place, mode: "takes lines" | "stuck" = "takes lines"): Promise<SyslogDaemon> {
    const path = place.file("log");
    // A process of its own, since datagrams take a permission that the tests as a whole do not have.
    const program = [Deno.execPath(), "run", "--quiet", "--no-config", "--allow-all", "--unstable-net"];
    const words = [...program, fixture("syslog_daemon.ts"), path, ...mode === "stuck" ? ["stuck"] : []];
    const process = new Running(words, { env: Deno.env.toObject(), stdin: "open" });
    const daemon = new SyslogDaemon(path, process);
    await process.says('"ready"');
    daemon.#told = 1;
    return daemon;
  }

  /** The lines that have come since the last call. A sera that has ended has nothing on its way any more. */
  async lines(): Promise<string[]> {
    await this.#process.write("\n");
    const all = () => this.#process.stdout.split("\n").slice(0, -1);
    await until("the daemon answers", () => all().indexOf("null", this.#told) >= 0);
    const end = all().indexOf("null", this.#told);
    const lines = all().slice(this.#told, end).map((line) => JSON.parse(line));
    this.#told = end + 1;
    return lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.closeStdin();
    await this.#process[Symbol.asyncDispose]();
  }
}
