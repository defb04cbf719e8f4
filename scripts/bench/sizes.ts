import type { Metafile } from "esbuild";
import { PART } from "../bundle.ts";
import type { Bed } from "./bed.ts";
import type { Table } from "./report.ts";
import { summarize } from "./rounds.ts";

/** The sources that are imported for a server only, and that its runs load. */
const DRIVERS: Readonly<Record<string, readonly string[]>> = {
  "file": [`${PART}:lib/backends/file/backend.ts`],
  "MySQL": [`${PART}:lib/backends/mysql/backend.ts`, `${PART}:lib/backends/mysql/lock.ts`],
  "PostgreSQL": [`${PART}:lib/backends/postgres/backend.ts`, `${PART}:lib/backends/postgres/lock.ts`],
};

/** The bytes of the binary and of what is in it. */
export function sizes({ programs: { build, sera, empty, metafile } }: Bed): Promise<Table[]> {
  const files = Object.values(metafile.outputs);
  const bytes: Record<string, number> = {
    [`bundle, ${files.length} files`]: files.reduce((sum, file) => sum + file.bytes, 0),
  };
  for (const [name, modules] of Object.entries(DRIVERS)) {
    bytes[`loaded by a run, ${name}`] = loadedFiles(metafile, ["main.ts", ...modules]).reduce(
      (sum, path) => sum + metafile.outputs[path]!.bytes,
      0,
    );
  }
  if (build === "compiled") {
    bytes["sera, the binary"] = Deno.statSync(sera[0]!).size;
    bytes["empty program, the binary"] = Deno.statSync(empty[0]!).size;
  }
  return Promise.resolve([{
    id: "sizes",
    title: "sizes",
    columns: [{ id: "size", title: "size", unit: "KiB" }],
    rows: Object.entries(bytes).map(([name, size]) => ({ name, figures: { size: summarize([size / 1024]) } })),
  }]);
}

/**
 * The bundle's files that are loaded for these modules.
 *
 * @throws Error When one of them has no file of its own.
 */
export function loadedFiles({ outputs }: Pick<Metafile, "outputs">, modules: readonly string[]): string[] {
  const loaded = new Set<string>();
  const load = (path: string) => {
    if (loaded.has(path) || !outputs[path]) return;
    loaded.add(path);
    for (const { path: imported, kind } of outputs[path].imports) if (kind === "import-statement") load(imported);
  };
  for (const module of modules) {
    const entry = Object.keys(outputs).find((path) => outputs[path]!.entryPoint === module);
    if (entry === undefined) throw new Error(`The bundle has no file for: ${module}; correct scripts/bench/sizes.ts`);
    load(entry);
  }
  return [...loaded];
}
