/**
 * Compiles sera into one standalone binary: `scripts/build.ts` for this machine, `--all` for every target. *
 * @module
 */
import { bundle } from "./bundle.ts";
import { compile } from "./compile.ts";

/** What a release is made for. */
const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
] as const;

const dist = `${import.meta.dirname!.replace(/scripts$/, "")}dist`;

async function compileFor(target: string | undefined): Promise<string> {
  const name = target === undefined ? "sera" : `sera-${target}`;
  const file = name + ((target ?? Deno.build.target).includes("windows") ? ".exe" : "");
  const folder = `${dist}/bundle`;
  if (!await compile({ folder, entry: "main.js", output: `${dist}/${file}`, target })) {
    throw new Error(`deno compile failed for ${target ?? "this machine"}`);
  }
  return file;
}

async function sumsOf(files: readonly string[]): Promise<string> {
  const lines = await Promise.all(files.map(async (file) => {
    const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(`${dist}/${file}`));
    return `${new Uint8Array(digest).toHex()}  ${file}\n`;
  }));
  return lines.join("");
}

const [option, ...rest] = Deno.args;
if (rest.length > 0 || (option !== undefined && option !== "--all")) {
  console.error("Usage: scripts/build.ts [--all]");
  Deno.exit(2);
}
await Deno.remove(dist, { recursive: true }).catch((error) => {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
});
await bundle(`${dist}/bundle`);
const files: string[] = [];
for (const target of option === "--all" ? TARGETS : [undefined]) {
  const file = await compileFor(target);
  files.push(file);
  console.log(`dist/${file}: ${((await Deno.stat(`${dist}/${file}`)).size / 2 ** 20).toFixed(1)} MiB`);
}
await Deno.writeTextFile(`${dist}/SHA256SUMS`, await sumsOf(files));
