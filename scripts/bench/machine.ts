import { VERSION } from "../../lib/version.ts";
import type { Programs } from "./programs.ts";
import type { Machine } from "./report.ts";
import type { Servers } from "./servers.ts";

/** Says where the figures are from. */
export async function describeMachine({ build }: Programs, { mysql, postgres }: Servers): Promise<Machine> {
  const model = /^model name\s*:\s*(.+)$/m.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1];
  return {
    build,
    sera: VERSION,
    deno: Deno.version.deno,
    processors: navigator.hardwareConcurrency,
    processor: model?.trim() ?? Deno.build.arch,
    kernel: Deno.osRelease(),
    servers: {
      ...mysql ? { "MySQL": mysql.version } : {},
      ...postgres ? { "PostgreSQL": postgres.version } : {},
    },
  };
}
