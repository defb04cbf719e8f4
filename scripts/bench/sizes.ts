import type { Metafile } from "esbuild";
import { PART } from "../bundle.ts";
import type { Bed } from "./bed.ts";
import type { Table } from "./report.ts";
import { summarize } from "./rounds.ts";

/** The modules of lib/backends that a run loads for each kind of server, besides the common ones. */
const BACKENDS: Readonly<Record<string, readonly string[]>> = {
  "file": ["file/backend"],
  "MySQL": ["mysql/backend", "mysql/lock"],
  "PostgreSQL": ["postgres/backend", "postgres/lock"],
  "etcd": ["etcd/backend", "etcd/lock", "etcd/client"],
};

/** The sizes of the binary and its parts, in bytes. */
export function sizes({ programs: { build, sera, empty, metafile } }: Bed): Promise<Table[]> {
  const files = Object.values(metafile.outputs);
  const bytes: Record<string, number> = {
    [`bundle, ${files.length} files`]: files.reduce((sum, file) => sum + file.bytes, 0),
  };
  for (const [name, modules] of Object.entries(BACKENDS)) {
    const parts = modules.map((module) => `${PART}:lib/backends/${module}.ts`);
    const loaded = loadedFiles(metafile, ["main.ts", ...parts]).map((path) => metafile.outputs[path]!.bytes);
    bytes[`loaded by a run, ${name}`] = loaded.reduce((sum, size) => sum + size);
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
