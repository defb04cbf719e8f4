import assert from "node:assert/strict";
import { keepExitCodes } from "../../lib/system/children.ts";
import { type EventName, type Level, Logger } from "../../lib/log/logger.ts";
import type { LogSettings } from "../../lib/log/log_settings.ts";
import { FakeClock } from "../lock/fake_clock.ts";
import { FakeLogger } from "./fake_logger.ts";
import { Hearing } from "./hearing.ts";

// Once for the process, and so in no test.
keepExitCodes();

const LEVELS: readonly Level[] = ["info", "notice", "error"];

/** What is written for a line of each level. */
function saidWith(settings: LogSettings): (readonly [Level, "out" | "err", string])[] {
  return LEVELS.flatMap((level) => {
    const io = new Hearing();
    new Logger(io, settings, "cmd").log(level, "note", "words");
    return io.said.map(([stream, line]) => [level, stream, line] as const);
  });
}

Deno.test("errors always go to stderr, other messages as configured", () => {
  assert.deepEqual(saidWith({ format: "text" }), [["error", "err", "sera: words\n"]]);
  assert.deepEqual(saidWith({ format: "text", verbose: "stdout" }), [
    ["info", "out", "words\n"],
    ["notice", "out", "words\n"],
    ["error", "err", "sera: words\n"],
  ]);
  assert.deepEqual(saidWith({ format: "text", verbose: "stderr" }), [
    ["info", "err", "words\n"],
    ["notice", "err", "words\n"],
    ["error", "err", "sera: words\n"],
  ]);
  const streams = saidWith({ format: "json", verbose: "stdout" }).map(([level, stream]) => [level, stream]);
  assert.deepEqual(streams, [["info", "out"], ["notice", "out"], ["error", "err"]]);
});

Deno.test("whether a line will be shown is known before it is formatted", () => {
  const cases: readonly (readonly [Omit<LogSettings, "format">, boolean[]])[] = [
    [{}, [false, false, true]],
    [{ verbose: "stdout" }, [true, true, true]],
    [{ verbose: "stderr" }, [true, true, true]],
    [{ syslog: true }, [false, true, true]],
    [{ syslog: "/run/log" }, [false, true, true]],
    [{ syslog: false }, [false, false, true]],
  ];
  for (const [settings, tells] of cases) {
    const logger = new Logger(new Hearing(), { format: "text", ...settings }, "cmd");
    assert.deepEqual(LEVELS.map((level) => logger.isEnabled(level)), tells, JSON.stringify(settings));
  }
});

Deno.test("a text message is one line without control characters", () => {
  for (const format of ["text", "json"] as const) {
    const io = new Hearing();
    new Logger(io, { format }, "cmd").log("error", "error", "one\ntwo\x1b[31m\r\u202ethree");
    const [[, line]] = io.said as [readonly [string, string]];
    assert.equal(line.indexOf("\n"), line.length - 1);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(line.slice(0, -1), /[\x00-\x1f\x7f\u202e]/);
    assert.match(line, /one.*two.*31m.*three/);
  }
});

/** An event's JSON fields, without those that every line has. */
function recordOf(prepare: (logger: Logger) => void): Record<string, unknown> {
  const io = new Hearing();
  prepare(new Logger(io, { format: "json", verbose: "stdout" }, "cmd"));
  const { time: _time, host: _host, pid: _pid, ...record } = io.records.at(-1)!;
  return record;
}

Deno.test("a JSON line has time, host, severity and event", () => {
  const io = new Hearing();
  const before = Date.now();
  new Logger(io, { format: "json", verbose: "stdout" }, "cmd").log("notice", "busy", "words");
  const [{ time, ...record }] = io.records as [Record<string, unknown>];
  assert.equal(new Date(String(time)).toISOString(), time);
  assert.ok(Date.parse(String(time)) >= before && Date.parse(String(time)) <= Date.now());
  assert.deepEqual(record, { level: "notice", event: "busy", host: Deno.hostname(), pid: Deno.pid, message: "words" });
});

Deno.test("durations are in seconds, to the millisecond, and numbers are numbers", () => {
  const fields = {
    ...{ waited: 1234.4, held: 86_400_000.6, exitCode: 206, commandExitCode: 143 },
    holder: { host: "h", pid: 7, label: undefined },
  };
  assert.deepEqual(recordOf((logger) => logger.log("error", "error", "words", fields)), {
    ...{ level: "error", event: "error", message: "words" },
    ...{ waited: 1.234, held: 86_400.001, exit_code: 206, command_exit_code: 143 },
    holder: { host: "h", pid: 7 },
  });
  const none = recordOf((logger) => logger.log("info", "released", "words", { waited: 0, held: 0.4 }));
  assert.deepEqual([none.waited, none.held], [0, 0]);
});

Deno.test("the subject, the run and the exit code are included once they are known", () => {
  const io = new Hearing();
  const logger = new Logger(io, { format: "json", verbose: "stdout" }, "cmd");
  const tell = (event: EventName, exitCode?: number) => logger.log("info", event, "words", { exitCode });
  tell("note");
  logger.about({ lock: "name", key: "the key", label: "l" });
  tell("acquired");
  logger.inRun(12345678901234567890n);
  logger.exitsWith(3);
  tell("finished");
  // The event's own field takes precedence.
  tell("error", 208);
  logger.inRun(undefined);
  tell("released");
  const told = io.records.map(({ lock, key, label, run_id, exit_code }) => [lock, key, label, run_id, exit_code]);
  const subject = ["name", "the key", "l"];
  assert.deepEqual(told, [
    [undefined, undefined, undefined, undefined, undefined],
    [...subject, undefined, undefined],
    [...subject, "12345678901234567890", 3],
    [...subject, "12345678901234567890", 208],
    [...subject, undefined, 3],
  ]);
});

Deno.test("a key is complete for programs, and cannot deceive readers; a secret one is left out", () => {
  const io = new Hearing();
  const logger = new Logger(io, { format: "json" }, "cmd");
  const key = 'a\u202eb"\\\n\u0000';
  logger.about({ lock: "name", key, label: "l" });
  logger.log("error", "error", "words");
  assert.equal(io.records[0]!.key, key);
  assert.doesNotMatch(io.said[0]![1], /\u202e/);
  logger.about({ lock: "name", key: undefined, label: "l" });
  logger.log("error", "error", "words");
  assert.equal("key" in io.records[1]!, false);
});

Deno.test("syslog gets notices and errors, whatever the format, before the flush is over", async () => {
  for (const format of ["text", "json"] as const) {
    using program = new FakeLogger();
    const logger = new Logger(new Hearing(), { format, verbose: "stdout", syslog: "/run/log" }, "cmd a");
    logger.log("info", "acquired", "not this");
    logger.log("notice", "busy", "first");
    logger.log("error", "error", "sec\nond");
    await logger.flush();
    assert.deepEqual(program.starts.map(({ text }) => text), ["cmd a | first\n", "cmd a | sec ond\n"]);
    assert.deepEqual(program.starts.map(({ args }) => args.find((word) => word.startsWith("user."))), [
      "user.notice",
      "user.err",
    ]);
  }
});

Deno.test("syslog gets one line after another, even if it accepts none", async () => {
  using clock = new FakeClock();
  using program = new FakeLogger({ exits: "never" });
  const logger = new Logger(new Hearing(), { format: "text", syslog: true }, "cmd");
  logger.log("error", "error", "first");
  logger.log("error", "error", "second");
  let flushed = false;
  const flushing = logger.flush().then(() => flushed = true);
  await clock.until("the first is on its way", () => program.starts.length > 0);
  const end = clock.now + 500;
  await clock.to(end - 1);
  assert.equal(program.starts.length, 1);
  await clock.to(end);
  assert.deepEqual(program.starts.map(({ text }) => text), ["cmd | first\n", "cmd | second\n"]);
  assert.equal(flushed, false);
  await clock.to(end + 500);
  await flushing;
});

Deno.test("without syslog no program is started, and a lost line delays nothing", async () => {
  for (const settings of [{}, { syslog: false }]) {
    using program = new FakeLogger();
    const logger = new Logger(new Hearing(), { format: "text", ...settings }, "cmd");
    logger.log("error", "error", "words");
    await logger.flush();
    assert.deepEqual(program.places, []);
  }
  for (
    const way of [{ at: "/nowhere" }, { fails: new Deno.errors.PermissionDenied("no") }, { exits: 1 }, { isDeaf: true }]
  ) {
    using _program = new FakeLogger(way);
    const io = new Hearing();
    const logger = new Logger(io, { format: "text", syslog: true }, "cmd");
    logger.log("error", "error", "words");
    await logger.flush();
    assert.deepEqual(io.said, [["err", "sera: words\n"]]);
  }
});

Deno.test("a person at the terminal gets notices, unless verbose or quiet", () => {
  const atTerminal = (settings: Partial<LogSettings>, width: number | undefined = 80) => {
    const io = Object.assign(new Hearing(), { errWidth: () => width });
    const logger = new Logger(io, { format: "text", ...settings }, "cmd");
    for (const level of LEVELS) logger.log(level, "note", level);
    logger.announce("note", "hint");
    return io.said.map(([stream, line]) => `${stream} ${line.trimEnd()}`);
  };
  assert.deepEqual(atTerminal({}), ["err sera: notice", "err sera: error", "err sera: hint"]);
  assert.deepEqual(atTerminal({ quiet: true }), ["err sera: error"]);
  assert.deepEqual(atTerminal({ verbose: "stderr" }), ["err info", "err notice", "err sera: error", "err hint"]);
  assert.equal(atTerminal({ format: "json" }).length, 1);
  assert.deepEqual(new Hearing().said, []);
  const io = Object.assign(new Hearing(), { errWidth: () => undefined });
  const logger = new Logger(io, { format: "text" }, "cmd");
  logger.log("notice", "note", "notice");
  logger.announce("note", "hint");
  assert.deepEqual([io.said, logger.isInteractive, logger.isEnabled("notice")], [[], false, false]);
});
