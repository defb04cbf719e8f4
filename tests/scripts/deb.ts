/** What dpkg does with the Debian package, in a root of its own. */

import assert from "node:assert/strict";
import config from "../../deno.json" with { type: "json" };
import { SETTINGS } from "../../lib/settings/table.ts";
import { needsOf } from "../../scripts/glibc.ts";
import { run } from "../../scripts/run.ts";
import { root, testWith, tool } from "../cli/needs.ts";
import { BINARY, filesBelow, temporaryFolder, type UsedRelease } from "./releases.ts";

const EXAMPLE = "etc/sera.json.example";
/** What an administrator wrote. */
const CONFIG = "etc/sera.json";

/** Defines the tests that install, run, remove and purge the package. */
export function debTests(release: UsedRelease): void {
  const needs = [release.need, root, tool("dpkg", "--version")];
  const deb = () => `${release.folder}/${filesBelow(release.folder).find((name) => name.endsWith(".deb"))}`;

  testWith(needs, "the Debian package depends on the glibc that the binary needs", async () => {
    const { glibc } = await needsOf(BINARY);
    const depends = await run("dpkg-deb", ["--field", deb(), "Depends"]);
    assert.ok(depends.startsWith(`libc6 (>= ${glibc})`), depends);
    await using system = await System.make("");
    await assert.rejects(system.dpkg("--install", deb()), /sera depends on libc6/);
  });

  testWith(
    needs,
    "the Debian package is installed, runs, has an example of settings, and goes without a trace but what was configured",
    async () => {
      await using system = await System.make(await run("dpkg-query", ["--status", "libc6", "libgcc-s1"]));
      await Deno.mkdir(`${system.root}/etc`);
      await Deno.writeTextFile(`${system.root}/${CONFIG}`, "{}");

      await system.dpkg("--install", deb());
      const files = system.files();
      for (const file of ["bin/sera", "share/man/man1/sera.1.gz", "share/doc/sera/copyright"]) {
        assert.ok(files.includes(`usr/${file}`), file);
      }
      const binary = `${system.root}/usr/bin/sera`;
      await run("cmp", [binary, BINARY]);
      await run(binary, ["--version"]);
      assert.equal((await Deno.stat(binary)).mode! & 0o777, 0o755);
      // The files on disk match the package's list.
      assert.equal(await system.dpkg("--verify", "sera"), "");
      assert.match(
        await system.dpkg("--status", "sera"),
        new RegExp(`^Version: ${RegExp.escape(config.version)}$`, "m"),
      );

      const keys = Object.keys(JSON.parse(await Deno.readTextFile(`${system.root}/${EXAMPLE}`)));
      const known: readonly string[] = SETTINGS.filter(({ inConfig }) => inConfig).map(({ name }) => name);
      assert.deepEqual(keys.filter((key) => !known.includes(key)), []);

      await system.dpkg("--remove", "sera");
      assert.deepEqual(system.files(), [CONFIG, EXAMPLE]);
      await system.dpkg("--purge", "sera");
      assert.deepEqual(system.files(), [CONFIG]);
    },
  );
}

/** A root folder whose dpkg knows only the given packages. */
class System implements AsyncDisposable {
  private constructor(readonly root: string, readonly folder: AsyncDisposable) {}

  /** @param status What dpkg takes for installed. */
  static async make(status: string): Promise<System> {
    const folder = await temporaryFolder();
    const database = `${folder.path}/var/lib/dpkg`;
    for (const name of ["info", "updates", "triggers"]) await Deno.mkdir(`${database}/${name}`, { recursive: true });
    await Deno.writeTextFile(`${database}/status`, status);
    return new System(folder.path, folder);
  }

  dpkg(...args: string[]): Promise<string> {
    // Its log would be that of this machine.
    return run("dpkg", [`--root=${this.root}`, `--log=${this.root}/var/lib/dpkg/log`, ...args], {
      env: { LC_ALL: "C.UTF-8" },
    });
  }

  /** All files but dpkg's own. */
  files(): string[] {
    return filesBelow(this.root).filter((path) => !path.startsWith("var/"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.folder[Symbol.asyncDispose]();
  }
}
