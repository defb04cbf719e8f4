import type { Subcommand } from "../args/subcommand.ts";
import type { Command } from "./command.ts";

type Load = () => Promise<Pick<Command, "prints" | "ownCode" | "work">>;

/** Sera's commands but for the run, each loaded only when it is asked for; `table.ts` has what the help says of them. */
const WORK: ReadonlyMap<string, Load> = new Map<string, Load>([
  ["status", async () => ({ prints: true, work: (await import("./status.ts")).status })],
  ["history", async () => ({ prints: true, work: (await import("./history.ts")).history })],
  ["doctor", async () => ({ prints: true, work: (await import("./doctor.ts")).doctor })],
  ["heimdall", async () => {
    const { FAILED, heimdall } = await import("./heimdall.ts");
    return { ownCode: FAILED, work: heimdall };
  }],
]);

/** Loads the command of this name; undefined if there is none. */
export async function loadCommand(name: string): Promise<Command | undefined> {
  const load = WORK.get(name);
  if (!load) return undefined;
  const [commands, command] = await Promise.all([loadSubcommands(), load()]);
  const words = commands.find((words) => words.name === name)!;
  return { words, flags: [...words.settings, ...words.flags], ...command };
}

/** Loads what the command line and the help know of all commands but the run. */
export async function loadSubcommands(): Promise<readonly Subcommand[]> {
  return (await import("./table.ts")).COMMANDS;
}
