import { run } from "./lib/cli.ts";
import { processIo } from "./lib/io.ts";

// What sera says, it says in its own words: a driver's trouble comes as an error too, and the rest is no use to anybody.
for (const method of ["debug", "error", "info", "log", "trace", "warn"] as const) console[method] = () => undefined;

Deno.exit(await run(Deno.args, processIo));
