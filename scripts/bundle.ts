/**
 * Joins main.ts and what it imports into a few files that start faster than the sources: one that every run loads, and one
 * for each part that is loaded only when needed.
 *
 * @module
 */
import { relative, resolve } from "node:path";
import { build, type Metafile, type Plugin, stop } from "esbuild";
import config from "../deno.json" with { type: "json" };
import { compileAtOnce } from "./compile_at_once.ts";
import { ROOT } from "./root.ts";
import { standIns } from "./stand_ins/plugin.ts";

/** The bundler's name for a module that is loaded only when needed is `part:` and its path from the project's root. */
export const PART = "part";

/** The modules that mark the file that every run loads: the program up to its parts, and what each backend needs besides. */
const CORE = [
  "lib/cli.ts",
  "lib/lock/heartbeat.ts",
  "lib/lock/lease.ts",
  "lib/lock/presence.ts",
  "lib/system/user.ts",
];

/** A backend's own files. The first of them, backend.ts, is loaded before the others. */
const BACKEND = /^lib\/backends\/(?!sql\/|network\/)\w+\//;

/** The parts of a backend that are loaded before its others, since every run needs them: together they are one file. */
const FIRST = ["lib/backends/etcd/lock.ts", "lib/backends/etcd/client.ts"];

/**
 * Keeps what every run loads in one file, and what every run with a kind of server loads in another. The bundler alone
 * would make one for each set of parts that share something; here every part imports all of these files, which are loaded
 * before any part anyway.
 */
const oneCore: Plugin = {
  name: "one-core",
  setup(build) {
    build.onResolve({ filter: /^\.{1,2}\// }, ({ path, kind, resolveDir }) => {
      if (kind !== "dynamic-import") return undefined;
      // Imports have forward slashes on Windows too.
      return { path: relative(ROOT, resolve(resolveDir, path)).replaceAll("\\", "/"), namespace: PART };
    });
    build.onLoad({ filter: /.*/, namespace: PART }, ({ path }) => ({
      contents: `${imports([...CORE, ...firstOf(path)])} export * from "./${path}";`,
      resolveDir: ROOT,
    }));
    build.onLoad({ filter: /[\\/]main\.ts$/ }, async ({ path }) => ({
      contents: `${imports(CORE)} ${await Deno.readTextFile(path)}`,
      loader: "ts",
    }));
  },
};

function imports(paths: readonly string[]): string {
  return paths.map((path) => `import "./${path}";`).join(" ");
}

/** What has been loaded before a part of a backend. */
function firstOf(path: string): readonly string[] {
  const folder = BACKEND.exec(path)?.[0];
  if (folder === undefined) return [];
  const first = path === `${folder}backend.ts` ? [] : FIRST.filter((first) => first.startsWith(folder));
  return [`${folder}backend.ts`, ...first];
}

/** Gives CommonJS code Node's modules as imports: the bundle has no `require`. */
const nodeModules: Plugin = {
  name: "node-modules",
  setup(build) {
    const builtin = /^(node:)?(events|buffer|net)$/;
    build.onResolve({ filter: builtin }, ({ path, namespace }) => {
      const name = path.replace(/^node:/, "");
      return namespace === "node" ? { path: `node:${name}`, external: true } : { path: name, namespace: "node" };
    });
    build.onLoad({ filter: /.*/, namespace: "node" }, ({ path }) => ({
      contents: `export * from "node:${path}"; export { default } from "node:${path}";`,
      loader: "js",
    }));
  },
};

/** Keeps all of deno.json but the version out of the program. */
const versionOnly: Plugin = {
  name: "version-only",
  setup(build) {
    build.onLoad({ filter: /[\\/]deno\.json$/ }, () => ({
      contents: JSON.stringify({ version: config.version }),
      loader: "json",
    }));
  },
};

/** What {@linkcode bundle} made. */
export interface Bundle {
  /** The path of the file to run. */
  readonly entry: string;
  /** Which sources are in which file. */
  readonly metafile: Metafile;
}

/**
 * Bundles sera. The same sources and packages give the same files bit for bit, wherever the checkout is.
 *
 * @param outdir Where to put the files.
 * @param plugins More plugins, for the bench; the program that is shipped has none.
 */
export async function bundle(outdir: string, plugins: readonly Plugin[] = []): Promise<Bundle> {
  try {
    const { metafile, outputFiles } = await build({
      // The files' names depend on the sources' paths, which must not depend on where the script was called.
      absWorkingDir: ROOT,
      // Nor may a tsconfig.json in a folder above it change them.
      tsconfigRaw: {},
      entryPoints: ["main.ts"],
      outdir,
      write: false,
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      target: "esnext",
      minify: true,
      metafile: true,
      // pg reads a variable that sera has no permission for; the error, although pg catches it, takes a millisecond.
      define: { "process.env.NODE_PG_FORCE_NATIVE": "undefined" },
      plugins: [...plugins, standIns, nodeModules, versionOnly, oneCore],
      logLevel: "error",
    });
    await Deno.mkdir(outdir, { recursive: true });
    for (const { path, text } of outputFiles) {
      const { inputs } = metafile.outputs[relative(ROOT, path).replaceAll("\\", "/")]!;
      await Deno.writeTextFile(path, compileAtOnce(text, CORE[0]! in inputs));
    }
    return { entry: `${outdir}/main.js`, metafile };
  } finally {
    await stop();
  }
}

if (import.meta.main) console.log((await bundle(resolve(Deno.args[0] ?? "dist/bundle"))).entry);
