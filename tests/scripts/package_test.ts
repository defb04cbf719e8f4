import assert from "node:assert/strict";
import config from "../../deno.json" with { type: "json" };
import { run } from "../../scripts/run.ts";
import { testWith } from "../cli/needs.ts";
import { filesBelow, makeRelease, packaging, runScript, TARGET, temporaryFolder } from "./releases.ts";

const { version } = config;
/** A real, small program, as good as sera for being packed. */
const STAND_IN = "/bin/echo";
const ARCHIVE = `sera-${version}-${TARGET}`;

testWith([packaging], "the same binaries give the same release bit for bit, whoever packs them where", async () => {
  await using one = await temporaryFolder();
  await using other = await temporaryFolder();
  const release = await makeRelease(one.path, { binary: STAND_IN, windows: STAND_IN });
  const umask = Deno.umask(0o077);
  let again;
  try {
    again = await makeRelease(other.path, { binary: STAND_IN, windows: STAND_IN, env: { TZ: "Asia/Tokyo" } });
  } finally {
    Deno.umask(umask);
  }
  const sums = await Deno.readTextFile(`${release}/SHA256SUMS`);
  assert.equal(await Deno.readTextFile(`${again}/SHA256SUMS`), sums);

  // The sums are of everything, and right.
  const published = filesBelow(release).filter((name) => name !== "SHA256SUMS");
  assert.deepEqual(sums.trim().split("\n").map((line) => line.split("  ")[1]), published);
  await run("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: release });
  assert.deepEqual(
    published.map((name) => name.replace(/_(amd64|arm64)\./, "_ARCHITECTURE.")),
    [
      "install.sh",
      `${ARCHIVE}.tar.gz`,
      `sera-${version}-x86_64-pc-windows-msvc.zip`,
      `sera-${version}.cdx.json`,
      `sera_${version}_ARCHITECTURE.deb`,
    ].sort(),
  );

  // An archive has the files that README and installer promise, readable by everybody.
  const listed = await run("tar", ["-tvzf", `${release}/${ARCHIVE}.tar.gz`]);
  const entries = listed.trim().split("\n").map((line) => line.split(/\s+/));
  const found = Object.fromEntries(entries.map(([rights, owner, , , , name]) => [name!, `${rights} ${owner}`]));
  for (const name of ["README.md", "LICENSE", "THIRD-PARTY-NOTICES", "sera.1", "completions/_sera"]) {
    assert.equal(found[`${ARCHIVE}/${name}`], "-rw-r--r-- 0/0", name);
  }
  assert.equal(found[`${ARCHIVE}/sera`], "-rwxr-xr-x 0/0");
  assert.equal(found[`${ARCHIVE}/completions/`], "drwxr-xr-x 0/0");
  const zipped = await run("zip", ["-sf", `${release}/sera-${version}-x86_64-pc-windows-msvc.zip`]);
  assert.match(zipped, new RegExp(`^ +sera-${version}-x86_64-pc-windows-msvc/sera\\.exe$`, "m"));

  // The table for docs/runtime.md has a line for each.
  const { code, stdout } = await runScript("sizes.ts", [one.path]);
  assert.equal(code, 0);
  assert.match(
    stdout,
    new RegExp(`^\\| \`${TARGET}\` +\\| 0\\.0 MiB \\| \\d+\\.\\d MiB \\| \\d+\\.\\d MiB +\\| \\d+ ms +\\|$`, "m"),
  );
  assert.match(stdout, /^\| `x86_64-pc-windows-msvc` +\|/m);
});

testWith([packaging], "a release is not packed while a binary is missing", async () => {
  await using folder = await temporaryFolder();
  await Deno.copyFile(STAND_IN, `${folder.path}/sera-${TARGET}`);
  const { code, stderr } = await runScript("package.ts", ["--dist", folder.path, "--all"]);
  assert.equal(code, 1);
  assert.match(stderr, /Not in .*: .*sera-x86_64-pc-windows-msvc\.exe; build them first/);
});
