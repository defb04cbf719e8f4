import { VERSION } from "../../lib/version.ts";
import type { Programs } from "./programs.ts";
import type { Servers } from "./servers.ts";

/** Says where the figures are from. */
export async function describeMachine({ build }: Programs, { mysql, postgres, etcd }: Servers): Promise<string[]> {
  const model = /^model name\s*:\s*(.+)$/m.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1];
  return [
    `sera ${VERSION}`,
    build,
    `Deno ${Deno.version.deno}`,
    `${navigator.hardwareConcurrency} × ${model?.trim() ?? Deno.build.arch}`,
    `Linux ${Deno.osRelease()}`,
    ...mysql ? [`MySQL ${mysql.version}`] : [],
    ...postgres ? [`PostgreSQL ${postgres.version}`] : [],
    ...etcd ? [`etcd ${etcd.version}`] : [],
  ];
}
