import assert from "node:assert/strict";
import { ErrorReporter } from "../../lib/log/error_reporter.ts";
import { Logger } from "../../lib/log/logger.ts";
import { Hearing } from "./hearing.ts";

Deno.test("without settings a failure is reported in the requested format, with the exit code", async () => {
  const text = new Hearing();
  const plain = new ErrorReporter(text, () => Promise.resolve("text"));
  plain.report({ message: "Cannot use x", exitCode: 201 });
  await plain.flush();
  assert.deepEqual(text.said, [["err", "sera: Cannot use x\n"]]);

  const json = new Hearing();
  const failures = new ErrorReporter(json, () => Promise.resolve("json"));
  failures.report({ message: "Cannot use x", exitCode: 201 });
  await failures.flush();
  const [{ level, event, message, exit_code }] = json.records as [Record<string, unknown>];
  assert.deepEqual({ level, event, message, exit_code }, {
    ...{ level: "error", event: "error" },
    ...{ message: "Cannot use x", exit_code: 201 },
  });
});

Deno.test("messages during the lookup of the format come in order, before the flush is over", async () => {
  const io = new Hearing();
  const found = Promise.withResolvers<"text">();
  // The one that takes longest is the first.
  const lookups = [found.promise];
  const failures = new ErrorReporter(io, () => lookups.pop() ?? Promise.resolve("text"));
  for (const message of ["one", "two", "three"]) failures.report({ message, exitCode: 200 });
  let flushed = false;
  const flushing = failures.flush().then(() => flushed = true);
  await Promise.resolve();
  assert.deepEqual({ said: io.said, flushed }, { said: [], flushed: false });
  found.resolve("text");
  await flushing;
  assert.deepEqual(io.said.map(([, line]) => line), ["sera: one\n", "sera: two\n", "sera: three\n"]);
});

Deno.test("with settings the format is known at once, and syslog is waited for", async () => {
  const io = new Hearing();
  const failures = new ErrorReporter(io, () => assert.fail("there are settings"));
  const logger = new Logger(io, { format: "text" }, "cmd");
  let flushed = false;
  logger.flush = () => Promise.resolve().then(() => void (flushed = true));
  failures.logger = logger;
  failures.report({ message: "one", exitCode: 206 });
  assert.deepEqual(io.said, [["err", "sera: one\n"]]);
  await failures.note("two");
  assert.deepEqual(io.said.at(-1), ["err", "sera: two\n"]);
  await failures.flush();
  assert.equal(flushed, true);
});

Deno.test("a message that does not end sera has no exit code", async () => {
  const io = new Hearing();
  await new ErrorReporter(io, () => Promise.resolve("json")).note("words");
  const [{ level, event, message, exit_code }] = io.records as [Record<string, unknown>];
  assert.deepEqual([level, event, message, exit_code], ["info", "note", "words", undefined]);
});

Deno.test("a message that cannot be written has no effect", async () => {
  const closed = Object.assign(new Hearing(), {
    err() {
      throw new Deno.errors.BrokenPipe();
    },
  });
  const failures = new ErrorReporter(closed, () => Promise.resolve("text"));
  failures.report({ message: "words", exitCode: 201 });
  await failures.note("words");
  await failures.flush();
  failures.logger = new Logger(closed, { format: "text" }, "cmd");
  failures.report({ message: "words", exitCode: 206 });
  await failures.flush();
});
