import { run } from "./lib/cli.ts";
import { FLUSH_TIMEOUT, processIo } from "./lib/io.ts";

// What sera says, it says in its own words: a driver's trouble comes as an error too, and the rest is no use to anybody.
for (const method of ["debug", "error", "info", "log", "trace", "warn"] as const) console[method] = () => undefined;

const exitCode = await run(Deno.args, processIo);
await processIo.flush(FLUSH_TIMEOUT);
Deno.exit(exitCode);
