import type { Io } from "./io.ts";

type Subcommand = (argv: readonly string[], io: Io) => Promise<number>;

/** The subcommands of sera, each loaded only when it is asked for; `lib/args/subcommands.ts` has their flags. */
const SUBCOMMANDS: Readonly<Record<string, () => Promise<Subcommand>>> = {
  status: async () => (await import("./commands/status.ts")).status,
  history: async () => (await import("./commands/history.ts")).history,
  doctor: async () => (await import("./commands/doctor.ts")).doctor,
  heimdall: async () => (await import("./commands/heimdall.ts")).heimdall,
};

/**
 * Runs a subcommand.
 *
 * @param name One of those in `lib/args/subcommands.ts`.
 * @param argv The words after its name.
 * @returns The exit code.
 */
export async function subcommand(name: string, argv: readonly string[], io: Io): Promise<number> {
  return await (await SUBCOMMANDS[name]!())(argv, io);
}
