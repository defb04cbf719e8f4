/** A private place for one test: a folder of its own, and a sera that keeps its locks and settings there. */

import { complete, isCompiled, PROGRAM, type ProgramOptions, sera, startSera } from "./program.ts";
import { type Ended, killQuietly, Running, runToEnd } from "./running.ts";

/** The small commands that the tests run. */
const FIXTURES = Deno.realPathSync(`${import.meta.dirname}/../fixtures`);

/** The path of one of the small commands that the tests run. */
export function fixture(name: string): string {
  return `${FIXTURES}/${name}`;
}

/** Unset, so that sera in the command does not know that it is inside another one. */
export const AS_IF_APART = ["env", "-u", "SERA_HELD_LOCKS"];

/** A private folder. Disposing of it removes it, and what still runs there. */
export class Place implements AsyncDisposable {
  /** The folder; only this user can enter it. */
  readonly path: string;
  /** The folder with the locks, if this place keeps them; made by the first sera. */
  readonly locks: string;
  /** The server that every sera of this place uses by default. */
  readonly server: string;
  readonly #variables: Readonly<Record<string, string>>;

  private constructor(path: string, server: string | undefined, variables: Readonly<Record<string, string>>) {
    this.path = path;
    this.locks = `${path}/locks`;
    this.server = server ?? `file:${this.locks}`;
    this.#variables = variables;
  }

  /**
   * @param server The server to use instead of files in this place.
   * @param variables What else every sera of this place finds in its environment.
   */
  static async make(server?: string, variables: Readonly<Record<string, string>> = {}): Promise<Place> {
    const path = await Deno.makeTempDir({ prefix: "sera-cli-" });
    const place = new Place(path, server, variables);
    await Deno.mkdir(`${path}/bin`);
    const words = PROGRAM.map(quote).join(" ");
    await place.script("bin/sera", `exec ${words} "$@"`);
    return place;
  }

  /** The path of a file in the folder. */
  file(name: string): string {
    return `${this.path}/${name}`;
  }

  /** Writes a file into the folder. */
  async write(name: string, text: string): Promise<string> {
    await Deno.writeTextFile(this.file(name), text);
    return this.file(name);
  }

  /** Writes a shell script into the folder. */
  async script(name: string, text: string): Promise<string> {
    await this.write(name, `#!/bin/sh\n${text}\n`);
    await Deno.chmod(this.file(name), 0o755);
    return this.file(name);
  }

  /** Reads a file of the folder; one that does not exist is empty. */
  async read(name: string): Promise<string> {
    try {
      return await Deno.readTextFile(this.file(name));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    }
  }

  /**
   * The environment for seras from source that may not have enough of something: a Deno that cannot open or write all
   * files of its cache leaves them so that no other can use them either.
   */
  async cacheOfItsOwn(): Promise<Record<string, string>> {
    if (isCompiled) return {};
    const env = { DENO_DIR: this.file("deno") };
    // While there is enough.
    await this.sera(["0", "true"], { env });
    return env;
  }

  /** Adds what every sera of this place gets. */
  complete(options: ProgramOptions): ProgramOptions {
    return { ...options, env: { HOME: this.path, SERA_SERVER: this.server, ...this.#variables, ...options.env } };
  }

  /** Runs sera to its end. */
  sera(args: readonly string[], options: ProgramOptions = {}): Promise<Ended> {
    return sera(args, this.complete(options));
  }

  /** Starts sera; dispose of it. */
  startSera(args: readonly string[], options: ProgramOptions = {}): Running {
    return startSera(args, this.complete(options));
  }

  /** Runs any program to its end; it finds `sera` in its PATH. */
  run(words: readonly string[], options: ProgramOptions = {}): Promise<Ended> {
    return runToEnd(words, this.#withSeraInPath(options));
  }

  /** Starts any program, which finds `sera` in its PATH; dispose of it. */
  start(words: readonly string[], options: ProgramOptions = {}): Running {
    return new Running(words, this.#withSeraInPath(options));
  }

  /** Runs a shell script to its end; it finds `sera` in its PATH. */
  shell(script: string, options: ProgramOptions = {}): Promise<Ended> {
    return this.run(["sh", "-c", script], options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of this.#leftBehind()) killQuietly(pid);
    await Deno.remove(this.path, { recursive: true });
  }

  /** Processes that were started here and still run, which happens only where a test has failed; on Linux. */
  #leftBehind(): number[] {
    if (Deno.build.os !== "linux") return [];
    const mark = `\0HOME=${this.path}\0`;
    return [...Deno.readDirSync("/proc")]
      .filter(({ name }) => /^\d+$/.test(name) && environmentOf(name).includes(mark))
      .map(({ name }) => Number(name));
  }

  #withSeraInPath(options: ProgramOptions) {
    const completed = complete(this.complete(options));
    return { ...completed, env: { ...completed.env, PATH: `${this.path}/bin:${completed.env.PATH}` } };
  }
}

function environmentOf(pid: string): string {
  try {
    return `\0${Deno.readTextFileSync(`/proc/${pid}/environ`)}`;
  } catch {
    // It has ended, or is another user's.
    return "";
  }
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
