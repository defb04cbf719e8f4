import type { Metafile } from "esbuild";
import { PART } from "../bundle.ts";
import type { Bed } from "./bed.ts";
import type { Row, Table } from "./report.ts";
import { summarize } from "./statistics.ts";

/** What a run with each kind of server loads besides what every run does: the sources that are imported when needed. */
const DRIVERS = {
  "file": ["lib/backends/file/backend.ts"],
  "MySQL": ["lib/backends/mysql/backend.ts", "lib/backends/mysql/lock.ts"],
  "PostgreSQL": ["lib/backends/postgres/backend.ts", "lib/backends/postgres/lock.ts"],
};

/** The bytes of the binary and of what is in it. */
export function sizes({ programs }: Bed): Promise<Table[]> {
  const { build, sera, empty, metafile } = programs;
  const files = Object.values(metafile.outputs);
  const bytes: Record<string, number> = {
    ...build === "compiled"
      ? { "sera, the binary": sizeOf(sera[0]!), "empty program, the binary": sizeOf(empty[0]!) }
      : {},
    [`bundle, ${files.length} files`]: files.reduce((sum, file) => sum + file.bytes, 0),
  };
  for (const [name, modules] of Object.entries(DRIVERS)) {
    bytes[`loaded by a run, ${name}`] = loadedBytes(metafile, [
      "main.ts",
      ...modules.map((module) => `${PART}:${module}`),
    ]);
  }
  const rows: Row[] = Object.entries(bytes).map(([name, size]) => ({
    name,
    figures: { size: summarize([size / 1024]) },
  }));
  return Promise.resolve([{
    id: "sizes",
    title: "sizes",
    columns: [{ id: "size", title: "size", unit: "KiB" }],
    rows,
  }]);
}

/**
 * The bytes of the files that are loaded for these modules.
 *
 * @throws Error When one of them has no file of its own.
 */
export function loadedBytes({ outputs }: Pick<Metafile, "outputs">, modules: readonly string[]): number {
  const loaded = new Set<string>();
  const load = (path: string) => {
    const output = outputs[path];
    if (loaded.has(path) || !output) return;
    loaded.add(path);
    for (const { path: imported, kind } of output.imports) if (kind === "import-statement") load(imported);
  };
  for (const module of modules) {
    const entry = Object.keys(outputs).find((path) => outputs[path]!.entryPoint === module);
    if (entry === undefined) {
      throw new Error(`Cannot find in the bundle a file for: ${module}; correct scripts/bench/sizes.ts`);
    }
    load(entry);
  }
  return [...loaded].reduce((sum, path) => sum + outputs[path]!.bytes, 0);
}

function sizeOf(path: string): number {
  return Deno.statSync(path).size;
}
