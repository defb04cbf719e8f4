/**
 * Prints the sizes and the start time of what `deno task build` and `deno task package` made, as a Markdown table for
 * docs/runtime.md: `scripts/sizes.ts [FOLDER]`, by default of dist/. The start is timed for binaries of this machine's
 * kind only.
 *
 * @module
 */
import { resolve } from "node:path";
import config from "../deno.json" with { type: "json" };
import { ROOT } from "./root.ts";
import { binaryName, isWindows, TARGETS } from "./targets.ts";

/** How often a binary is started; the figure is the median. */
const STARTS = 21;

const dist = resolve(Deno.args[0] ?? `${ROOT}/dist`);
const rows = [["for", "binary", "archive", "Debian package", "start"]];
for (const { name, architecture } of TARGETS) {
  const own = name === Deno.build.target;
  // Without --target the build names the one for this machine just sera.
  const binary = await existing([`${dist}/${binaryName(name)}`, ...own ? [`${dist}/sera`, `${dist}/sera.exe`] : []]);
  if (binary === undefined) continue;
  const stem = `${dist}/release/sera`;
  rows.push([
    `\`${name}\``,
    await size(binary),
    await size(`${stem}-${config.version}-${name}.${isWindows(name) ? "zip" : "tar.gz"}`),
    architecture === undefined ? "" : await size(`${stem}_${config.version}_${architecture}.deb`),
    own ? `${(await start(binary)).toFixed(0)} ms` : "",
  ]);
}
if (rows.length === 1) throw new Error(`No binaries in: ${dist}; run deno task build`);
console.log(table(rows));

async function existing(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await size(path) !== "") return path;
  return undefined;
}

/** The size of a file in MiB; empty if there is no such file. */
async function size(path: string): Promise<string> {
  try {
    return `${((await Deno.stat(path)).size / 2 ** 20).toFixed(1)} MiB`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** How long `sera --version` takes, in milliseconds. */
async function start(binary: string): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const before = performance.now();
    const { success } = await new Deno.Command(binary, { args: ["--version"], stdout: "null" }).output();
    times.push(performance.now() - before);
    if (!success) throw new Error(`Cannot start: ${binary}`);
  }
  return times.sort((a, b) => a - b)[(STARTS - 1) / 2]!;
}

function table([head, ...body]: readonly (readonly string[])[]): string {
  const widths = head!.map((_, column) => Math.max(3, ...[head!, ...body].map((row) => row[column]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  return [line(head!), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}
