/**
 * Makes the files of a release from the binaries in dist/ (`deno task build --all`) and puts them into dist/release/: an
 * archive for each binary, a Debian package for each Linux binary, the bill of materials, the installer, and SHA256SUMS.
 *
 *     scripts/package.ts [--dist FOLDER] [--out FOLDER] [--repository OWNER/NAME] [--all] [--fast]
 *
 * `--repository` names the GitHub repository of the release; `--all` fails unless there is a binary for every target;
 * `--fast` compresses less, for a trial. The same binaries, sources and tools give the same files bit for bit. Needs GNU
 * tar, gzip, Info-ZIP, dpkg-deb and readelf.
 *
 * @module
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import config from "../deno.json" with { type: "json" };
import { makeTar, makeZip, type Tree, writeTree } from "./archive.ts";
import { makeDeb } from "./deb.ts";
import { type Documents, makeDocuments } from "./documents.ts";
import { ROOT } from "./root.ts";
import { makeSbom, toText } from "./sbom.ts";
import { sourceDate } from "./source_date.ts";
import { binaryName, isWindows, type Target, TARGETS } from "./targets.ts";

const { name, version } = config;
const { values: options } = parseArgs({
  options: {
    dist: { type: "string", default: `${ROOT}/dist` },
    out: { type: "string" },
    repository: { type: "string" },
    all: { type: "boolean", default: false },
    fast: { type: "boolean", default: false },
  },
});
const dist = resolve(options.dist);
const out = resolve(options.out ?? `${dist}/release`);
const home = options.repository === undefined ? undefined : `https://github.com/${options.repository}`;
const date = await sourceDate();

const there = new Set([...Deno.readDirSync(dist)].map(({ name }) => name));
const missing = TARGETS.filter((target) => !there.has(binaryName(target.name)));
if (missing.length === TARGETS.length || options.all && missing.length > 0) {
  throw new Error(`Not in ${dist}: ${missing.map((target) => binaryName(target.name)).join(", ")}; build them first`);
}

await Deno.remove(out, { recursive: true }).catch((error) => {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
});
await Deno.mkdir(out, { recursive: true });
const bom = await makeSbom();
const documents = await makeDocuments(bom, date);
await Deno.writeTextFile(`${out}/${name}-${version}.cdx.json`, toText(bom));
await Deno.writeTextFile(`${out}/install.sh`, await installer());
for (const target of TARGETS.filter((target) => !missing.includes(target))) {
  await makeArchive(target, documents);
  await makeDebianPackage(target, documents);
}
await Deno.writeTextFile(`${out}/SHA256SUMS`, await sums());
for (const { name } of assets()) console.log(`${out}/${name}`);

async function makeArchive(target: Target, documents: Documents): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "sera-package-" });
  const inside = `${name}-${version}-${target.name}`;
  const windows = isWindows(target.name);
  try {
    await writeTree(`${folder}/${inside}`, {
      ...documents,
      [windows ? "sera.exe" : "sera"]: { from: `${dist}/${binaryName(target.name)}` },
    });
    await (windows ? makeZip : makeTar)(folder, inside, tree(`${inside}.${windows ? "zip" : "tar.gz"}`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function makeDebianPackage({ name: target, architecture }: Target, documents: Documents): Promise<void> {
  if (architecture === undefined) return;
  const owner = options.repository?.split("/")[0];
  const identity = {
    version,
    architecture,
    maintainer: owner === undefined ? "sera <sera@localhost>" : `${owner} <${owner}@users.noreply.github.com>`,
    homepage: home,
  };
  const output = tree(`${name}_${version}_${architecture}.deb`);
  await makeDeb(`${dist}/${binaryName(target)}`, documents, identity, output);
}

function tree(file: string): Tree {
  return { output: `${out}/${file}`, date, fast: options.fast };
}

/** The installer, with the address of the releases filled in. */
async function installer(): Promise<string> {
  const script = await Deno.readTextFile(`${ROOT}/scripts/install.sh`);
  return home === undefined ? script : script.replace(/^releases=$/m, `releases=${home}/releases`);
}

async function sums(): Promise<string> {
  const lines = await Promise.all(
    assets().map(async ({ name }) => {
      const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(`${out}/${name}`));
      return `${new Uint8Array(digest).toHex()}  ${name}\n`;
    }),
  );
  return lines.join("");
}

function assets(): Deno.DirEntry[] {
  return [...Deno.readDirSync(out)].sort((a, b) => a.name < b.name ? -1 : 1);
}
