import assert from "node:assert/strict";
import { HELP_FLAG, VERSION_FLAG } from "../../lib/args/flag.ts";
import { STATUS } from "../../lib/args/status_help.ts";
import type { Command } from "../../lib/commands/command.ts";
import { inFrame } from "../../lib/commands/frame.ts";
import { LockUnavailableError } from "../../lib/errors.ts";
import { Logger } from "../../lib/log/logger.ts";
import { VERSION } from "../../lib/version.ts";

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command in the frame, with a stdout that fails with an error, if one is given. */
async function ended(command: Partial<Command>, argv: readonly string[] = [], outFailure?: Error): Promise<Ended> {
  let out = "", err = "";
  const io = {
    env: () => undefined,
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    outFailure: () => out === "" ? undefined : outFailure,
  };
  const whole = { flags: [VERSION_FLAG, HELP_FLAG], work: () => Promise.resolve(0), ...command };
  const code = await inFrame(whole, argv, io);
  return { code, out, err };
}

const printing: Command["work"] = ({ io }) => {
  io.out("printed\n");
  return Promise.resolve(3);
};

const failing = () => Promise.reject(new LockUnavailableError("gone", "wait"));

Deno.test("an error is one line with its exit code, or the command's own", async () => {
  assert.deepEqual(await ended({ work: failing }), { code: 202, out: "", err: "sera: gone; wait\n" });
  assert.deepEqual(await ended({ work: failing, errorExitCode: 1 }), { code: 1, out: "", err: "sera: gone; wait\n" });
  const { code, err } = await ended({ errorExitCode: 1 }, ["--nope"]);
  assert.deepEqual([code, err], [1, "sera: Unknown flag: --nope; see sera --help\n"]);
});

Deno.test("an error is reported in the requested format, by the logger that the work created", async () => {
  const { err } = await ended({ flags: [{ name: "log-format", kind: "text" }], work: failing }, ["--log-format=json"]);
  assert.equal(JSON.parse(err).exit_code, 202);
  const told = await ended({
    work: ({ io, setLogger }) => {
      setLogger(new Logger(io, { format: "json", verbose: undefined }, ""));
      return failing();
    },
  });
  assert.equal(JSON.parse(told.err).message, "gone; wait");
});

Deno.test("the work's exit code is returned, and it gets the words after the flags", async () => {
  let words: readonly string[] = [];
  const work: Command["work"] = ({ operands }) => {
    words = operands;
    return Promise.resolve(42);
  };
  assert.deepEqual(await ended({ work }, ["--", "--help", "x"]), { code: 42, out: "", err: "" });
  assert.deepEqual(words, ["--help", "x"]);
});

Deno.test("an output error fails only what prints", async () => {
  const full = Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });
  assert.equal((await ended({ work: printing, prints: true })).code, 3);
  assert.equal((await ended({ work: printing }, [], full)).code, 3);
  assert.deepEqual(await ended({ work: printing, prints: true }, [], full), {
    code: 209,
    out: "printed\n",
    err: "sera: Cannot write to stdout: No space left on device; free some space there, or write to another place\n",
  });
  const gone = new Deno.errors.BrokenPipe();
  assert.deepEqual(await ended({ work: printing, prints: true }, [], gone), { code: 141, out: "printed\n", err: "" });
  assert.equal((await ended({ errorExitCode: 1 }, ["--version"], gone)).code, 141);
  assert.equal((await ended({ errorExitCode: 1 }, ["--version"], full)).code, 1);
  assert.equal((await ended({}, ["--help"], full)).code, 209);
});

Deno.test("--help and --version print and do nothing else", async () => {
  const work = failing;
  assert.deepEqual(await ended({ work }, ["--version"]), { code: 0, out: `sera ${VERSION}\n`, err: "" });
  assert.match((await ended({ work }, ["-h"])).out, /^Usage: sera \[flags\] \[--\] <wait> <command>/);
  const { code, out } = await ended({ work, subcommand: STATUS, flags: STATUS.flags }, ["--help"]);
  assert.equal(code, 0);
  assert.match(out, /^Usage: sera status /);
});

Deno.test("the single word help after a subcommand is refused", async () => {
  const { code, err } = await ended({ subcommand: STATUS, flags: STATUS.flags }, ["help"]);
  assert.equal(code, 201);
  assert.match(err, /write sera status --help, or sera status -- help for a command of that name\n$/);
  assert.equal((await ended({ subcommand: STATUS, flags: STATUS.flags }, ["--", "help"])).code, 0);
});
