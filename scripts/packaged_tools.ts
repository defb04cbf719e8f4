import { ROOT } from "./root.ts";
import { run } from "./run.ts";

/**
 * The folder of the packages that only maintainers need. It has a deno.json and a deno.lock of its own, so that only those
 * who package or test a release, or draw the graph, download them.
 */
export const TOOLS = `${ROOT}/scripts/tools`;

/** Installs the packages in the versions that the lock file pins, unless they are there. */
export async function installTools(): Promise<void> {
  await run(Deno.execPath(), ["install", "--quiet", "--frozen"], { cwd: TOOLS });
}

/**
 * Runs the program of one of the packages.
 *
 * @param script Its path below `node_modules`.
 * @returns Its stdout.
 */
export async function runTool(script: string, args: readonly string[]): Promise<string> {
  await installTools();
  return await run(Deno.execPath(), ["run", "--quiet", "-A", `${TOOLS}/node_modules/${script}`, ...args], {
    cwd: TOOLS,
    env: { NO_COLOR: "1" },
  });
}
