import assert from "node:assert/strict";
import { Logger } from "../../lib/log/logger.ts";
import { tryLog } from "../../lib/log/try_log.ts";
import { Hearing } from "./hearing.ts";

Deno.test("an event is logged by the logger; one that cannot be logged is no error", () => {
  const io = new Hearing();
  const logger = new Logger(io, { format: "json" }, "cmd");
  tryLog(logger, "error", "error", "words", { exitCode: 206 });
  assert.deepEqual([io.records[0]!.message, io.records[0]!.exit_code], ["words", 206]);
  io.err = () => {
    throw new Deno.errors.BrokenPipe();
  };
  assert.throws(() => logger.log("error", "error", "words"), Deno.errors.BrokenPipe);
  tryLog(logger, "error", "error", "words");
});
