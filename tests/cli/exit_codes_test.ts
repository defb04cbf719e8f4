import assert from "node:assert/strict";
import { Place } from "./place.ts";

for (const code of [0, 1, 42, 199, 204, 255]) {
  Deno.test(`when the command exits with ${code}, so does sera`, async () => {
    await using place = await Place.make();
    assert.deepEqual(await place.sera(["0", "sh", "-c", `exit ${code}`]), { code, stdout: "", stderr: "" });
  });
}

const SIGNALS: Record<string, number> = { HUP: 1, INT: 2, QUIT: 3, KILL: 9, SEGV: 11, PIPE: 13, TERM: 15 };

for (const [signal, number] of Object.entries(SIGNALS)) {
  Deno.test(`when SIG${signal} ends the command, sera exits with ${128 + number}`, async () => {
    await using place = await Place.make();
    const { code, stderr } = await place.sera(["0", "sh", "-c", `ulimit -c 0; kill -${number} $$`]);
    assert.deepEqual({ code, stderr }, { code: 128 + number, stderr: "" });
  });
}

for (const number of [34, 64]) {
  Deno.test({
    name: `when real-time signal ${number} ends the command, sera exits with ${128 + number}`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using place = await Place.make();
      const { code, stderr } = await place.sera(["0", "sh", "-c", `kill -${number} $$`]);
      assert.deepEqual({ code, stderr }, { code: 128 + number, stderr: "" });
    },
  });
}

interface Case {
  readonly what: string;
  readonly args: readonly string[];
  readonly env?: Record<string, string>;
  readonly code: number;
  readonly says: RegExp;
}

const ERRORS: Case[] = [
  {
    what: "a config file that is not there",
    args: ["--config", "/nonexistent/sera.json", "0", "touch", "ran"],
    code: 200,
    says: /\/nonexistent\/sera\.json/,
  },
  {
    what: "an invalid server setting",
    args: ["--server", "file:rel", "0", "touch", "ran"],
    code: 200,
    says: /file:/,
  },
  { what: "an unknown flag", args: ["--unknown", "0", "touch", "ran"], code: 201, says: /unknown/ },
  { what: "no arguments", args: [], code: 201, says: /usage: sera/ },
  {
    what: "a server that cannot be reached",
    args: ["--server", "u:p@tcp(127.0.0.1:1)/", "0", "touch", "ran"],
    code: 202,
    says: /127\.0\.0\.1:1/,
  },
  {
    what: "a folder that cannot be made",
    args: ["--server", "file:/dev/null/x", "0", "touch", "ran"],
    code: 202,
    says: /x/,
  },
  { what: "a command that does not exist", args: ["0", "no-such-command"], code: 203, says: /no-such-command/ },
];

for (const { what, args, env, code, says } of ERRORS) {
  Deno.test(`${what} is ${code}, with one line on stderr, and nothing runs`, async () => {
    await using place = await Place.make();
    const ended = await place.sera(args, { env, cwd: place.path });
    assert.equal(ended.code, code, ended.stderr);
    assert.equal(ended.stdout, "");
    assert.match(ended.stderr, /^sera: [^\n]+\n$/);
    assert.match(ended.stderr, says);
    assert.doesNotMatch(ended.stderr, /\bat .*:\d+:\d+|Unexpected error|Uncaught/);
    await assert.rejects(Deno.lstat(place.file("ran")), Deno.errors.NotFound);
  });
}

Deno.test("a lock held by another is 204, silently", async () => {
  await using place = await Place.make();
  await using holder = place.startSera(["--name", "n", "0", "sh", "-c", "echo ready; read _"], { stdin: "open" });
  await holder.says("ready");
  const busy = { code: 204, stdout: "", stderr: "" };
  assert.deepEqual(await place.sera(["--name", "n", "0", "echo", "ran"]), busy);
  assert.deepEqual(await place.sera(["--name", "n", "300ms", "echo", "ran"]), busy);
});

Deno.test("an error that quotes a word with line breaks is still one line", async () => {
  await using place = await Place.make();
  const words = [
    ["0", "no\nsuch\r\ncommand"],
    ["a\nwait", "true"],
    ["--fl\nag", "0", "true"],
    ["--verbose=a\nb", "0", "true"],
  ];
  for (const args of words) {
    const { stderr } = await place.sera(args);
    assert.match(stderr, /^sera: [^\r\n]+\n$/);
  }
});
