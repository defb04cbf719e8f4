/** Servers that come as npm packages, installed when the first test asks for one. */

import { isFile, runTool } from "./tool.ts";

/** Has a deno.json and a deno.lock of its own, so that only these tests download the 100 MB. */
const PACKAGES = `${import.meta.dirname}/packages`;

/** The folder in which {@linkcode installPackages} puts the package of this name. */
export function packageFolder(name: string): string {
  return `${PACKAGES}/node_modules/${name}`;
}

/** Installs the packages, unless this file of one of them is there. */
export async function installPackages(file: string): Promise<void> {
  if (!isFile(file)) await runTool(Deno.execPath(), ["install", "--frozen"], { cwd: PACKAGES });
}
