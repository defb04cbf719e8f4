/**
 * Joins main.ts and what it needs into a few files that start faster than the sources: one for every run, and one for each
 * part that is loaded only when asked for.
 *
 * @module
 */
import { relative, resolve } from "node:path";
import { build, type Metafile, type Plugin, stop } from "esbuild";
import config from "../deno.json" with { type: "json" };
import { compileAtOnce } from "./compile_at_once.ts";
import { ROOT } from "./root.ts";
import { standIns } from "./stand_ins/plugin.ts";

/** What the bundler calls the modules that are loaded only when asked for: `part:` and the path from the project's root. */
export const PART = "part";

/** What is in the one file that every run loads: the program up to its parts, and what each backend needs besides. */
const CORE = [
  "lib/cli.ts",
  "lib/lock/heartbeat.ts",
  "lib/lock/lease.ts",
  "lib/lock/presence.ts",
  "lib/system/user.ts",
];

/** A backend's own files, which are loaded after the first of them. */
const BACKEND = /^lib\/backends\/(?!sql\/|network\/)\w+\//;

/**
 * Puts all that a run always loads into one file, and all that a run with a kind of server always loads into another,
 * where the bundler would make one for each set of parts that share something: whatever is only sometimes loaded comes
 * after them, and so may count as importing all of them.
 */
const oneCore: Plugin = {
  name: "one-core",
  setup(build) {
    build.onResolve({ filter: /^\.{1,2}\// }, ({ path, kind, resolveDir }) => {
      if (kind !== "dynamic-import") return undefined;
      // With the slashes of an import also on Windows.
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
  return folder === undefined ? [] : [`${folder}backend.ts`];
}

/** Lets CommonJS code have Node's modules without `require`, which the bundle has not. */
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

/** Keeps what deno.json says about building and testing out of the program, which asks it for the version only. */
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
  /** Which sources went into which file. */
  readonly metafile: Metafile;
}

/**
 * Bundles sera. The same sources and packages give the same files bit for bit, wherever the checkout is.
 *
 * @param outdir Where to put the files.
 * @param plugins What else is to be done to the sources, for the bench; nothing in what is shipped.
 */
export async function bundle(outdir: string, plugins: readonly Plugin[] = []): Promise<Bundle> {
  try {
    const { metafile, outputFiles } = await build({
      // The names of the files depend on the sources' paths, so these must not begin where the script was called.
      absWorkingDir: ROOT,
      // Nor may a tsconfig.json in a folder above change them.
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
      // pg asks for a variable that sera has no right to see, and an error that is caught costs a millisecond.
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
