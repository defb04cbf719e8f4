/** What scripts/install.sh does where folders, variables or the release's files are not as usual. */

import assert from "node:assert/strict";
import { anotherUser, asNobody, isRoot, linux, testWith } from "../cli/needs.ts";
import { InstallPlace } from "./install_place.ts";
import { TARGET, type UsedRelease } from "./releases.ts";

/** Defines the tests. */
export function oddPlacesTests(release: UsedRelease): void {
  const { need } = release;
  const from = () => ["--from", release.folder, "--binary-only"];
  const at = (path: string) => [...from(), "--prefix", path];

  testWith(
    [need],
    "install.sh: a folder that PATH has under another name, or without the last slash, is in PATH",
    async () => {
      await using place = await InstallPlace.make(release.folder);
      const opt = `${place.path}/opt`;
      await Deno.mkdir(`${opt}/bin`, { recursive: true });
      await Deno.symlink("bin", `${opt}/sbin`);
      for (const path of [`${opt}/sbin`, `${opt}/sbin:${opt}/bin`, `${opt}/bin`]) {
        const { stdout } = await place.install(at(`${opt}/`), { through: `PATH=${path}:$PATH exec "$@"` });
        assert.equal(stdout, `installed ${opt}/bin/sera\n`);
      }
      const args = [...from(), "--bin-dir", `${opt}/bin/`];
      await place.replace("sera", "echo old");
      const { stdout } = await place.install(args, { through: `PATH=$PATH:${opt}/bin exec "$@"` });
      assert.equal(
        stdout,
        `installed ${opt}/bin/sera\nanother sera comes first in your PATH: ${place.path}/bin/sera\n`,
      );
    },
  );

  testWith([need, isRoot ? anotherUser : undefined], "install.sh: without a home it asks for a folder", async () => {
    await using place = await InstallPlace.make(release.folder);
    // Root may write to /usr/local.
    const user = isRoot ? ["setpriv", ...asNobody([])].join(" ") : "";
    for (const home of ["unset HOME;", "HOME="]) {
      const { code, stdout, stderr } = await place.install(from(), { through: `${home} exec ${user} "$@"` });
      assert.deepEqual({ code, stdout, stderr }, {
        code: 1,
        stdout: "",
        stderr: "install.sh: HOME is not set: use --prefix FOLDER\n",
      });
    }
  });

  testWith([need], "install.sh: others may use what is installed, whatever the umask", async () => {
    await using place = await InstallPlace.make(release.folder);
    for (const [umask, mode] of [["077", 0o755], ["002", 0o775]] as const) {
      const opt = `${place.path}/${umask}`;
      const args = ["--from", release.folder, "--prefix", opt];
      assert.equal((await place.install(args, { through: `umask ${umask}; exec "$@"` })).code, 0);
      for (const path of ["", "/bin", "/share", "/share/man/man1", "/share/zsh/site-functions"]) {
        assert.equal(Deno.statSync(`${opt}${path}`).mode! & 0o777, mode, path);
      }
      assert.equal(Deno.statSync(`${opt}/bin/sera`).mode! & 0o777, 0o755);
    }
  });

  testWith([need], "install.sh: a folder in the program's place is not touched", async () => {
    await using place = await InstallPlace.make(release.folder);
    const sera = `${place.path}/opt/bin/sera`;
    await Deno.mkdir(sera, { recursive: true });
    const { code, stdout, stderr } = await place.install(at(`${place.path}/opt`));
    assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
    assert.equal(
      stderr,
      `install.sh: ${sera} is a folder: remove it, or choose another place with --prefix or --bin-dir\n`,
    );
    assert.deepEqual([...Deno.readDirSync(sera)], []);
    place.isAsBefore();
  });

  testWith([need], "install.sh: a last line of the sums without its end is a line like any other", async () => {
    await using place = await InstallPlace.make(release.folder);
    const sums = await Deno.readTextFile(`${release.folder}/SHA256SUMS`);
    const line = sums.split("\n").find((one) => one.endsWith(`-${TARGET}.tar.gz`))!;
    const run = async (text: string) => {
      await Deno.writeTextFile(`${place.path}/SHA256SUMS`, text);
      return await place.install(["--from", place.path, "--prefix", "/opt", "--dry-run"]);
    };
    assert.equal((await run(line)).code, 0);
    const other = await run("0123  other.tar.gz");
    assert.deepEqual([other.code, other.stdout], [1, ""]);
    assert.match(other.stderr, /^install\.sh: the release has no file for this system: /);
  });

  testWith([need, linux], "install.sh: a full disk below stdout is said in one line", async () => {
    await using place = await InstallPlace.make(release.folder);
    for (const args of [["--dry-run", ...at("/opt")], ["--help"]]) {
      const { code, stderr } = await place.install(args, { through: 'exec "$@" >/dev/full' });
      assert.deepEqual({ code, stderr }, { code: 1, stderr: "install.sh: cannot write to stdout\n" });
    }
  });
}
