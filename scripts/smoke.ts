/**
 * Tries a compiled sera on the system that it was built for, without any server: `scripts/smoke.ts BINARY`. Prints each
 * check, and stops at the first that fails.
 *
 * @module
 */
import { resolve } from "node:path";
import config from "../deno.json" with { type: "json" };

const [path, ...rest] = Deno.args;
if (path === undefined || rest.length > 0) {
  console.error("Usage: scripts/smoke.ts BINARY");
  Deno.exit(2);
}
const binary = resolve(path);
const folder = await Deno.makeTempDir({ prefix: "sera-smoke-" });
const file = ["--server", `file:${folder}`];
/** A command that every system has: the Deno that runs this. */
const command = (code: string) => [Deno.execPath(), "eval", code];

try {
  await check("--version", ["--version"], 0, `sera ${config.version}`);
  await check("--help", ["--help"], 0, "Exit status:");
  await check("the command runs under a file lock", [...file, "0", ...command("console.log(6 * 7)")], 0, "42");
  await check("its exit code is sera's", [...file, "0", ...command("Deno.exit(7)")], 7);
  await check("a wait that is none", [...file, "soon", "true"], 201, "Not a valid wait");
  await busy();
  // Each loads its part of the program; nothing listens on port 1.
  await check("MySQL", ["--server", "sera@tcp(127.0.0.1:1)/", "0", "true"], 202, "127.0.0.1:1");
  await check("PostgreSQL", ["--server", "postgres://sera@127.0.0.1:1/sera", "0", "true"], 202, "127.0.0.1:1");
  await check("etcd", ["--server", "etcd://127.0.0.1:1", "0", "true"], 202, "127.0.0.1:1");
  for (const server of ["sera@tcp(127.0.0.1:1)/sera", "postgres://sera@127.0.0.1:1/sera"]) {
    await check(`a lease: ${server}`, ["--lease", "--server", server, "0", "true"], 202, "127.0.0.1:1");
    await check(`its table: ${server}`, ["doctor", "--lease", "--schema", "--server", server], 0, "sera_leases");
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}

/** Runs sera, and checks its exit code and its output. */
async function check(what: string, args: readonly string[], status: number, says = ""): Promise<void> {
  const { code, stdout, stderr } = await new Deno.Command(binary, { args: [...args], stdin: "null" }).output();
  const said = new TextDecoder().decode(new Uint8Array([...stdout, ...stderr])).trim();
  if (code !== status || !said.includes(says)) {
    throw new Error(`${what}: ended with ${code}, expected ${status} and "${says}"; it said:\n${said}`);
  }
  console.log(`ok: ${what}`);
}

/** A second one with the same lock does not get it while the first one has it. */
async function busy(): Promise<void> {
  const words = command("console.log('held'); Deno.stdin.readSync(new Uint8Array(1))");
  const holder = new Deno.Command(binary, { args: [...file, "0", ...words], stdin: "piped", stdout: "piped" }).spawn();
  const reader = holder.stdout.getReader();
  await reader.read();
  await check("a lock that is taken", [...file, "0", ...words], 204);
  await holder.stdin.close();
  await reader.cancel();
  await holder.status;
  await check("and free again", [...file, "0", ...words], 0, "held");
}
