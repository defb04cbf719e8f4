import type { Io } from "../io.ts";

/** Runs a subcommand: what follows its name, and where. Gives the exit code. */
export type Subcommand = (argv: readonly string[], io: Io) => Promise<number>;

/** The subcommands of sera, each loaded only when it is asked for; `lib/args/subcommands.ts` has their flags. */
const SUBCOMMANDS: ReadonlyMap<string, () => Promise<Subcommand>> = new Map([
  ["status", async () => (await import("./status.ts")).status],
  ["history", async () => (await import("./history.ts")).history],
  ["doctor", async () => (await import("./doctor.ts")).doctor],
  ["heimdall", async () => (await import("./heimdall.ts")).heimdall],
]);

/** Loads the subcommand of this name; undefined if there is none. */
export async function loadSubcommand(name: string): Promise<Subcommand | undefined> {
  return await SUBCOMMANDS.get(name)?.();
}
