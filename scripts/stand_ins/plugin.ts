import { isBuiltin } from "node:module";
import { posix, resolve } from "node:path";
import { build, type Plugin } from "esbuild";
import { ROOT } from "../root.ts";
import { STAND_INS, type StandIn } from "../stand_ins.ts";

/** The bundler's names for stand-ins: `stand-in:` and their name. */
export const STAND_IN = "stand-in";
/** Imported by stand-ins: a copy for each driver, so that neither loads a file that both share. */
const STRICT = "sera-strict";

/** A stand-in's name, such as `lib/pool in mysql2`. */
export function nameOf(driver: string, module: string): string {
  return `${module} in ${driver}`;
}

const BY_NAME: ReadonlyMap<string, StandIn> = new Map(
  STAND_INS.flatMap((standIn) => standIn.modules.map((module) => [nameOf(standIn.driver, module), standIn] as const)),
);

/** Puts the stand-ins in the originals' places. */
export const standIns: Plugin = {
  name: "stand-ins",
  setup(build) {
    // Only a driver's imports; sera's own get the originals.
    build.onResolve({ filter: /.*/ }, ({ path, importer }) => {
      const [, driver, from] = /.*\/node_modules\/(mysql2|pg)\/(.*)$/.exec(importer.replaceAll("\\", "/")) ?? [];
      if (driver === undefined) return undefined;
      const name = nameOf(driver, moduleOf(path, from!));
      return BY_NAME.has(name) ? { path: name, namespace: STAND_IN } : undefined;
    });
    build.onLoad({ filter: /.*/, namespace: STAND_IN }, async ({ path }) => ({
      contents: await codeOf(path, BY_NAME.get(path)!),
      loader: "js",
    }));
    build.onResolve({ filter: new RegExp(`^${STRICT}/`) }, ({ path }) => ({ path, namespace: STRICT }));
    build.onLoad({ filter: /.*/, namespace: STRICT }, async () => ({
      contents: await Deno.readTextFile(resolve(ROOT, "scripts/stand_ins/strict.ts")),
      loader: "ts",
    }));
  },
};

/** The original that a driver's file means, as the list of stand-ins has it. */
function moduleOf(specifier: string, from: string): string {
  if (specifier.startsWith(".")) return posix.join(posix.dirname(from), specifier).replace(/\.js$/, "");
  return isBuiltin(specifier) ? `node:${specifier.replace(/^node:/, "")}` : specifier;
}

async function codeOf(name: string, { driver, exports, idle, imports }: StandIn): Promise<string> {
  const head = `import { refuse, strict, unused } from "${STRICT}/${driver}"; const name = ${JSON.stringify(name)};`;
  if (exports === undefined && idle === undefined) return `${head} module.exports = unused(name);`;
  const known = exports ?? "{}";
  const [joined, value] = imports === undefined ? ["", known] : [await joinedWith(imports, known), "joined.value"];
  return `${head} ${joined} module.exports = strict(name, ${value}, ${JSON.stringify(idle ?? [])});`;
}

/** Joins an expression with all that it imports, as `joined.value`: CommonJS code would get whole packages. */
async function joinedWith(imports: string, expression: string): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    tsconfigRaw: {},
    stdin: { contents: `${imports} export const value = ${expression};`, resolveDir: ROOT },
    write: false,
    bundle: true,
    format: "iife",
    globalName: "joined",
    target: "esnext",
    minify: true,
    logLevel: "error",
  });
  return outputFiles[0]!.text;
}
