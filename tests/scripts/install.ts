/** What scripts/install.sh does with a release. */

import assert from "node:assert/strict";
import config from "../../deno.json" with { type: "json" };
import { ROOT } from "../../scripts/root.ts";
import { testWith, tool } from "../cli/needs.ts";
import { runToEnd } from "../cli/running.ts";
import { InstallPlace } from "./install_place.ts";
import type { Fault } from "./release_server.ts";
import { BINARY, filesBelow, TARGET, type UsedRelease } from "./releases.ts";

const { version } = config;
const ARCHIVE = `sera-${version}-${TARGET}.tar.gz`;
const DOCUMENTS = [
  "share/bash-completion/completions/sera",
  "share/fish/vendor_completions.d/sera.fish",
  "share/man/man1/sera.1",
  "share/zsh/site-functions/_sera",
];
/** All that the script runs, but for what downloads and what makes sums. */
const TOOLS = ["cat", "chmod", "cp", "gzip", "head", "ldd", "mkdir", "mktemp", "mv", "rm", "sh", "tar", "tr", "uname"];

/** What goes wrong, which words of the script tell so, and how the test brings it about. */
type Failure = readonly [what: string, says: RegExp, Partial<Trouble>];

interface Trouble {
  readonly fault: Fault;
  readonly args: readonly string[];
  /** A program of the system's, and the shell code in its place. */
  readonly replaced: readonly [program: string, code: string];
}

const machine = (system: string, processor: string) =>
  ["uname", `case $1 in -s) echo ${system} ;; *) echo ${processor} ;; esac`] as const;
const musl = ["ldd", "echo 'musl libc (x86_64)' >&2; exit 1"] as const;
/** As where a symbol of glibc is missing. */
const oldGlibc = [
  "chmod",
  `printf '#!/bin/sh\\necho "GLIBC_2.27 not found" >&2; exit 1\\n' >"$2"; /bin/chmod "$@"`,
] as const;

const FAILURES: readonly Failure[] = [
  ["a file that was changed", /the SHA-256 sum of \S+ is wrong: [0-9a-f]{64}, expected [0-9a-f]{64};/, {
    fault: "changed",
  }],
  ["a file that is missing", /cannot download \S+\.tar\.gz: .*404/, { fault: "missing" }],
  ["a download that is cut off", /cannot download \S+\.tar\.gz: /, { fault: "cut off" }],
  ["a version that is not there", /cannot download \S+\/v9\.9\.9\/\w+: .*404/, { args: ["--version", "9.9.9"] }],
  ["a system without a sera", /there is no release of sera for Linux on riscv64/, {
    replaced: machine("Linux", "riscv64"),
  }],
  ["a system not in the release", /the release has no file for this system: /, {
    replaced: machine("Darwin", "arm64"),
  }],
  ["musl", /this system has musl, and sera needs glibc/, { replaced: musl }],
  ["a system that is too old", /the program does not run on this system: GLIBC_2\.27 not found/, {
    replaced: oldGlibc,
  }],
  ["a folder that cannot be", /cannot write to \/dev\/null\/bin: choose another/, { args: ["--prefix=/dev/null"] }],
  ["a folder without a release", /cannot read \/nowhere\/SHA256SUMS: .*No such file/, { args: ["--from", "/nowhere"] }],
  ["a version of a folder", /cannot use --version with --from/, { args: ["--from", "/nowhere", "--version", "1.0.0"] }],
  ["an option that is none", /cannot use: --prefx; see --help/, { args: ["--prefx", "/opt"] }],
];

/** Defines the tests that install from a release, and from one that is broken. */
export function installTests(release: UsedRelease): void {
  const needs = [release.need, tool("curl", "--version"), tool("wget", "--version"), tool("shasum", "--version")];

  testWith(needs, "install.sh: the newest version is installed below the prefix, and runs", async () => {
    await using place = await InstallPlace.make(release.folder);
    const { code, stdout, stderr } = await place.install(["--prefix", `${place.path}/opt`]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.deepEqual(filesBelow(`${place.path}/opt`), ["bin/sera", ...DOCUMENTS]);
    const removed = (await Deno.readTextFile(`${ROOT}/docs/upgrading.md`)).matchAll(/\/usr\/local\/(\w+\/\S+)/g);
    assert.deepEqual([...removed].map(([, name]) => name).sort(), ["bin/sera", ...DOCUMENTS]);
    const binary = `${place.path}/opt/bin/sera`;
    assert.ok(stdout.includes(`installed ${binary}\n`));
    assert.ok(stdout.endsWith(`\n${place.path}/opt/bin is not in your PATH\n`));
    assert.ok(await sameFile(binary, BINARY));
    assert.equal((await runToEnd([binary, "--version"], { env: {} })).code, 0);
    assert.deepEqual(filesBelow(`${place.path}/tmp`), []);
  });

  testWith(
    needs,
    "install.sh: a version that is asked for takes the place of another, with wget and shasum",
    async () => {
      await using place = await InstallPlace.make(release.folder);
      const bin = `${place.path}/home/.local/bin`;
      await Deno.mkdir(bin, { recursive: true });
      await Deno.writeTextFile(`${bin}/sera`, "old");
      const { code, stderr } = await place.install(
        [`--version=v${version}`, `--bin-dir=${bin}`, "--binary-only"],
        { tools: [...TOOLS, "wget", "shasum"] },
      );
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
      assert.deepEqual(filesBelow(`${place.path}/home`), [".local/bin/sera"]);
      assert.ok(await sameFile(`${bin}/sera`, BINARY));
      assert.deepEqual(place.server.asked, [`/download/v${version}/SHA256SUMS`, `/download/v${version}/${ARCHIVE}`]);
    },
  );

  testWith(needs, "install.sh: --dry-run says what would be done, and does nothing", async () => {
    await using place = await InstallPlace.make(release.folder);
    const { code, stdout } = await place.install(["--dry-run", "--prefix", `${place.path}/opt`, "--bin-dir", "/x/bin"]);
    assert.equal(code, 0);
    const expected = [
      `would download ${place.server.url}/download/v${version}/${ARCHIVE}`,
      "would install /x/bin/sera",
      ...DOCUMENTS.map((name) => `would install ${place.path}/opt/${name}`),
    ];
    assert.deepEqual(stdout.trim().split("\n").sort(), expected.sort());
    place.isAsBefore();
  });

  testWith(needs, "install.sh: --from installs from a folder, without any program that downloads", async () => {
    await using place = await InstallPlace.make(release.folder);
    const args = ["--from", release.folder, "--prefix", `${place.path}/opt`];
    const tools = [...TOOLS, "sha256sum"];
    const dry = await place.install([...args, "--dry-run"], { tools, url: "" });
    assert.equal(dry.stdout.split("\n")[0], `would read ${release.folder}/${ARCHIVE}`);
    const { code, stderr } = await place.install(args, { url: "" });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.ok(await sameFile(`${place.path}/opt/bin/sera`, BINARY));
    assert.deepEqual(place.server.asked, []);
  });

  testWith(needs, "install.sh: it says which other sera still comes first in PATH", async () => {
    await using place = await InstallPlace.make(release.folder);
    await place.replace("sera", "echo old");
    const bin = `${place.path}/home/bin`;
    const args = ["--from", release.folder, "--prefix", `${place.path}/opt`, "--bin-dir", bin];
    const last = await place.install(args, { through: `PATH=$PATH:${bin} exec "$@"` });
    assert.ok(last.stdout.endsWith(`\nanother sera comes first in your PATH: ${place.path}/bin/sera\n`), last.stdout);
    const first = await place.install(args, { through: `PATH=${bin}:$PATH exec "$@"` });
    assert.ok(first.stdout.endsWith("\ninstalled " + `${place.path}/opt/${DOCUMENTS[1]}\n`), first.stdout);
  });

  testWith(needs, "install.sh: it leaves nothing in the temporary folder when its reader has gone", async () => {
    await using place = await InstallPlace.make(release.folder);
    // It waits until the other end of the pipe is closed.
    const closed = `${place.path}/closed`;
    await place.replace("mktemp", `while [ ! -e ${closed} ]; do sleep 0.01; done\nexec /usr/bin/mktemp "$@"`);
    const { stderr } = await place.install(["--from", release.folder, "--prefix", `${place.path}/opt`], {
      through: `{ "$@"; echo "ended with $?" >&2; } | { exec <&-; : >${closed}; }`,
    });
    assert.equal(stderr, "ended with 141\n");
    assert.deepEqual(filesBelow(`${place.path}/tmp`), []);
  });

  for (const [what, says, { fault, args = [], replaced }] of FAILURES) {
    testWith(needs, `install.sh: ${what} ends with one line, and leaves nothing behind`, async () => {
      await using place = await InstallPlace.make(release.folder, fault);
      if (replaced) await place.replace(...replaced);
      const { code, stdout, stderr } = await place.install(["--prefix", `${place.path}/opt`, ...args]);
      assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
      assert.match(stderr, new RegExp(`^install\\.sh: ${says.source}.*\\n$`));
      place.isAsBefore();
    });
  }

  testWith(
    needs,
    "install.sh: the one that is published knows where it is from, the one in the checkout asks",
    async () => {
      const published = await Deno.readTextFile(`${release.folder}/install.sh`);
      assert.match(published, /^releases=https:\/\/github\.com\/Owner\/sera\/releases$/m);
      await using place = await InstallPlace.make(release.folder);
      const { code, stderr } = await place.install([], { url: "" });
      assert.equal(code, 1);
      assert.match(stderr, /^install\.sh: no place to download from: set SERA_BASE_URL .*\n$/);
    },
  );
}

async function sameFile(one: string, other: string): Promise<boolean> {
  const { code } = await runToEnd(["/usr/bin/cmp", one, other], { env: {} });
  return code === 0;
}
