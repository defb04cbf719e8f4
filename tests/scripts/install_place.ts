/** Where the tests run scripts/install.sh. */

import assert from "node:assert/strict";
import { ROOT } from "../../scripts/root.ts";
import { type Ended, runToEnd } from "../cli/running.ts";
import { type Fault, ReleaseServer } from "./release_server.ts";
import { filesBelow, temporaryFolder } from "./releases.ts";

const SYSTEM = "/usr/bin:/bin";

/** A folder with a temporary folder, a home, and programs that come before the system's; and a server with the release. */
export class InstallPlace implements AsyncDisposable {
  private constructor(
    readonly path: string,
    readonly server: ReleaseServer,
    private readonly folder: AsyncDisposable,
  ) {}

  /**
   * @param release The folder with the published files.
   * @param fault How to damage the archives, if at all.
   */
  static async make(release: string, fault?: Fault): Promise<InstallPlace> {
    const folder = await temporaryFolder();
    for (const name of ["tmp", "home", "bin"]) await Deno.mkdir(`${folder.path}/${name}`);
    return new InstallPlace(folder.path, new ReleaseServer(release, fault), folder);
  }

  /** Puts another program in the place of one of the system's. */
  async replace(program: string, code: string): Promise<void> {
    await Deno.writeTextFile(`${this.path}/bin/${program}`, `#!/bin/sh\n${code}\n`, { mode: 0o755 });
  }

  /**
   * Runs the installer; with `tools` it finds these programs only, and `url` is where it looks for releases. `through` is
   * shell code that runs it as `"$@"`.
   */
  async install(
    args: readonly string[],
    { tools, url = this.server.url, through = 'exec "$@"' }: {
      readonly tools?: readonly string[];
      readonly url?: string;
      readonly through?: string;
    } = {},
  ): Promise<Ended> {
    for (const tool of tools ?? []) await Deno.symlink(await which(tool), `${this.path}/bin/${tool}`);
    const path = `${this.path}/bin`;
    return await runToEnd(["/bin/sh", "-c", through, "sh", "/bin/sh", `${ROOT}/scripts/install.sh`, ...args], {
      env: {
        PATH: tools === undefined ? `${path}:${SYSTEM}` : path,
        HOME: `${this.path}/home`,
        TMPDIR: `${this.path}/tmp`,
        SERA_BASE_URL: url,
        LC_ALL: "C.UTF-8",
      },
    });
  }

  /** Fails if anything was installed or left in the temporary folder. */
  isAsBefore(): void {
    assert.deepEqual(filesBelow(this.path).filter((name) => !name.startsWith("bin/")), []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.folder[Symbol.asyncDispose]();
  }
}

async function which(program: string): Promise<string> {
  const words = ["/bin/sh", "-c", 'command -v "$1"', "sh", program];
  return (await runToEnd(words, { env: { PATH: SYSTEM } })).stdout.trim();
}
