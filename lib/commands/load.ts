import type { Subcommand } from "../args/subcommand.ts";
import type { Command } from "./command.ts";

type Load = () => Promise<Pick<Command, "prints" | "errorExitCode" | "work">>;

/** The subcommands, each loaded only when it is called; their names and help are in `table.ts`. */
const WORK: ReadonlyMap<string, Load> = new Map<string, Load>([
  ["status", async () => ({ prints: true, work: (await import("./status/status.ts")).status })],
  ["history", async () => ({ prints: true, work: (await import("./history/history.ts")).history })],
  ["doctor", async () => ({ prints: true, work: (await import("./doctor.ts")).doctor })],
  ["unlock", async () => ({ prints: true, work: (await import("./unlock/unlock.ts")).unlock })],
  ["hold", async () => ({ prints: true, work: (await import("./hold.ts")).hold })],
  ["forget", async () => ({ prints: true, work: (await import("./forget/forget.ts")).forget })],
  ["metrics", async () => ({ prints: true, work: (await import("./metrics.ts")).metrics })],
  ["completion", async () => ({ prints: true, work: (await import("./completion.ts")).completion })],
  ["heimdall", async () => {
    const { FAILED, heimdall } = await import("./heimdall.ts");
    return { errorExitCode: FAILED, work: heimdall };
  }],
]);

/** Loads the subcommand of this name; undefined if there is none. */
export async function loadCommand(name: string): Promise<Command | undefined> {
  const load = WORK.get(name);
  if (!load) return undefined;
  const [commands, command] = await Promise.all([loadSubcommands(), load()]);
  const subcommand = commands.find((subcommand) => subcommand.name === name)!;
  return { subcommand, flags: [...subcommand.settings, ...subcommand.flags], ...command };
}

/** Loads the names, flags and help of all subcommands. */
export async function loadSubcommands(): Promise<readonly Subcommand[]> {
  return (await import("./table.ts")).COMMANDS;
}
