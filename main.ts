import { run } from "./lib/cli.ts";
import { LONGEST_FLUSH, processIo } from "./lib/io.ts";

const exitCode = await run(Deno.args, processIo);
await processIo.flush(LONGEST_FLUSH);
Deno.exit(exitCode);
