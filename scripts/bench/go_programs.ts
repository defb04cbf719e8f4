import { findProgram, isFile } from "../../tests/servers/tool.ts";
import type { Bed } from "./bed.ts";
import type { Words } from "./words.ts";

/** The only file that the Go sera reads. */
const CONFIG = "/etc/sera.json";
/** How long a program may take to say which one it is, in milliseconds. */
const PATIENCE = 5000;

/** The words that run `true` with the Go programs that sera replaces, by name, if they are installed. */
export async function goPrograms(
  { servers, leaveOut }: Pick<Bed, "servers" | "leaveOut">,
): Promise<Map<string, Words>> {
  const found = new Map<string, Words>();
  const sera = await findOther("sera", leaveOut);
  if (sera !== undefined && !isFile(CONFIG)) {
    leaveOut(`Go sera: it reads its server from ${CONFIG}, which is not there`);
  } else if (sera !== undefined) found.set("Go sera", [sera, "0", "true"]);

  const heimdall = await findOther("heimdall", leaveOut);
  if (heimdall !== undefined && !servers.postgres) leaveOut("Go heimdall: there is no PostgreSQL for it");
  else if (heimdall !== undefined) {
    found.set("Go heimdall", [heimdall, "--database", servers.postgres!.url("sslmode=disable"), "true"]);
  }
  return found;
}

/** The path of a program that is not this very one under that name. */
async function findOther(name: string, leaveOut: Bed["leaveOut"]): Promise<string | undefined> {
  const path = findProgram(name);
  if (path === undefined) leaveOut(`Go ${name}: not found in PATH`);
  else if (await isOurs(path)) leaveOut(`Go ${name}: ${path} is a sera of this project`);
  else return path;
  return undefined;
}

/** Ours answers; the Go programs do not know the flag, and end with an error. */
async function isOurs(path: string): Promise<boolean> {
  const { stdout } = await new Deno.Command(path, {
    args: ["--version"],
    stdin: "null",
    stderr: "null",
    signal: AbortSignal.timeout(PATIENCE),
  }).output();
  return /^sera \d+\.\d+/.test(new TextDecoder().decode(stdout));
}
