import { run } from "./lib/cli.ts";
import { processIo } from "./lib/io.ts";

Deno.exit(await run(Deno.args, processIo));
