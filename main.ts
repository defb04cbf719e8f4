import { run } from "./lib/cli.ts";
import { FLUSH_TIMEOUT, processIo } from "./lib/io.ts";

// Drivers must not write to sera's output: what matters also comes as an error, and the rest helps nobody.
for (const method of ["debug", "error", "info", "log", "trace", "warn"] as const) console[method] = () => undefined;

const exitCode = await run(Deno.args, processIo);
await processIo.flush(FLUSH_TIMEOUT);
Deno.exit(exitCode);
