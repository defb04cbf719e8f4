/**
 * Prints which file of a driver gets which stand-in, a line for each. tests/scripts/stand_ins.txt holds what has been looked
 * at: when a driver's new version asks for more, see that the stand-in does for that as well, then accept it:
 *
 *     scripts/deno run -A scripts/stand_ins/uses.ts >tests/scripts/stand_ins.txt
 *
 * @module
 */
import type { Metafile } from "esbuild";
import { bundle } from "../bundle.ts";
import { STAND_IN } from "./plugin.ts";

/** The lines, sorted. */
export function usesOfStandIns({ inputs }: Metafile): string[] {
  const lines = Object.entries(inputs).flatMap(([importer, { imports }]) =>
    imports.filter(({ path }) => path.startsWith(`${STAND_IN}:`)).map(({ path, original }) =>
      `${importer.replace(/.*node_modules\//, "")} asks for ${original}, gets ${path.slice(STAND_IN.length + 1)}`
    )
  );
  return [...new Set(lines)].sort();
}

if (import.meta.main) {
  const folder = await Deno.makeTempDir({ prefix: "sera-stand-ins-" });
  try {
    console.log(usesOfStandIns((await bundle(folder)).metafile).join("\n"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
