/** Secrets in the whole program: bytes that are not UTF-8, child processes, and syslog. */

import assert from "node:assert/strict";
import { linux, testWith, tool } from "./needs.ts";
import { Place } from "./place.ts";
import { PROGRAM } from "./program.ts";
import { processesWith } from "./process_list.ts";
import { SyslogDaemon } from "./syslog_daemon.ts";

const PASSWORD = "geh31mw0rt";

/** Latin-1, as printf(1) writes it; the runtime takes only UTF-8. */
const LATIN_1 = "geh31m\\374w0rt";

/** Sets a variable to something that is not UTF-8, and runs a command line in a shell. */
async function withBytes(place: Place, variable: string, bytes: string, words: string) {
  return await place.shell(`${variable}=$(printf '${bytes}'); export ${variable}; ${words}`);
}

const NEEDED: readonly [variable: string, bytes: string, words: string, code: number][] = [
  ["SERA_SERVER", `u:${LATIN_1}@tcp(h)/`, "sera 0 true", 200],
  ["SERA_SERVER", `u:${LATIN_1}@tcp(h)/`, "sera --verbose=stderr 0 true", 200],
  ["SERA_SERVER", `u:${LATIN_1}@tcp(h)/`, "sera --log-format json 0 true", 200],
  ["SERA_SERVER", `u:${LATIN_1}@tcp(h)/`, "sera status", 200],
  ["SERA_SERVER", `u:${LATIN_1}@tcp(h)/`, "sera history", 200],
  ["SERA_CONFIG", LATIN_1, "sera 0 true", 200],
  ["SERA_LOG_FORMAT", LATIN_1, "sera 0 true", 200],
  ["SERA_TTL", LATIN_1, "sera 0 true", 200],
  ["SERA_LABEL", LATIN_1, "sera 0 true", 200],
  ["HOME", `/${LATIN_1}`, "sera --server postgres://u:p@127.0.0.1:1/ 0 true", 200],
  ["PGPASSWORD", LATIN_1, "sera --server 'postgres://u@127.0.0.1:1/?sslmode=disable' 0 true", 200],
  ["PGUSER", LATIN_1, "sera --server 'postgres://127.0.0.1:1/?sslmode=disable' 0 true", 200],
  ["PGPASSWORD", LATIN_1, "sera heimdall --database postgres://u@127.0.0.1:1/ true", 1],
];

for (const [variable, bytes, words, code] of NEEDED) {
  Deno.test(`${variable} that is not UTF-8 is reported by its name: ${words}`, async () => {
    await using place = await Place.make();
    const ended = await withBytes(place, variable, bytes, words);
    assert.deepEqual({ code: ended.code, stdout: ended.stdout }, { code, stdout: "" });
    assert.match(ended.stderr, /^[^\n]+\n$/);
    assert.ok(ended.stderr.includes(`Cannot use the variable ${variable}: it is not UTF-8; `), ended.stderr);
    assert.doesNotMatch(ended.stderr, /geh31m|w0rt/);
  });
}

Deno.test("doctor reports a variable that is not UTF-8", async () => {
  await using place = await Place.make();
  for (const flag of ["", "--json"]) {
    const { code, stdout, stderr } = await withBytes(
      place,
      "SERA_SERVER",
      `u:${LATIN_1}@tcp(h)/`,
      `sera doctor ${flag}`,
    );
    assert.deepEqual({ code, stderr }, { code: 200, stderr: "" });
    assert.match(stdout, /Cannot use the variable SERA_SERVER: it is not UTF-8/);
    assert.doesNotMatch(stdout, /geh31m|w0rt/);
  }
});

const NEEDLESS: readonly [variable: string, words: string][] = [
  ["SERA_SERVER", 'sera --server "file:$HOME/locks"'],
  ["SERA_TTL", "sera --ttl 5s"],
  ["PGPASSWORD", "sera"],
  ["LANG", "sera"],
];

for (const [variable, words] of NEEDLESS) {
  Deno.test(`${variable} that is not UTF-8 and not needed is no error: ${words}`, async () => {
    await using place = await Place.make();
    const command = `0 sh -c 'printf %s "\${${variable}-none}" | od -An -c'`;
    const { code, stdout, stderr } = await withBytes(place, variable, "g\\374", `${words} ${command}`);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    // A server that cannot be read may hold a password; all else is the command's, byte for byte.
    assert.equal(stdout.trim().replace(/\s+/g, " "), variable === "SERA_SERVER" ? "n o n e" : "g 374");
  });
}

Deno.test("a variable whose name is not UTF-8 is accepted", async () => {
  await using place = await Place.make();
  // No shell in between: most of them drop such a name.
  const program = PROGRAM.map((word) => `'${word}'`).join(" ");
  const { code, stdout } = await place.shell(`env "$(printf 'N\\374=x')" ${program} 0 env | grep -a '^N' | od -An -c`);
  assert.equal(code, 0);
  assert.equal(stdout.trim().replace(/\s+/g, " "), "N 374 = x \\n");
});

testWith([linux], "what sera starts has its password neither in the arguments nor in the environment", async () => {
  await using place = await Place.make();
  const env = { SERA_SERVER: `postgres://u@h/?p%61ssword=${PASSWORD}` };
  const words = ["--server", place.server, "--ledger", "0", "sh", "-c", "echo ready; read _"];
  await using holder = place.startSera(words, { env, stdin: "open" });
  await holder.says("ready");
  assert.deepEqual(processesWith(PASSWORD), [holder.pid]);
  holder.kill("SIGTERM");
  assert.equal((await holder.ended).code, 143);
});

testWith([tool("logger", "--version")], "neither syslog nor logger gets a password", async () => {
  await using place = await Place.make();
  await using daemon = await SyslogDaemon.start(place);
  const servers = [
    `u:${PASSWORD}@tcp(127.0.0.1:1)/`,
    `u:${PASSWORD}@unix(/nonexistent)/`,
    `postgres://u:${PASSWORD}@127.0.0.1:1/d`,
  ];
  for (const server of servers) {
    for (const more of [[], ["--log-format=json"], ["--verbose"]]) {
      const ended = await place.sera([...more, `--syslog=${daemon.path}`, "--server", server, "0", "true"]);
      assert.equal(ended.code, 202, ended.stderr);
      const lines = await daemon.lines();
      assert.equal(lines.length, 1);
      assert.doesNotMatch(ended.stdout + ended.stderr + lines.join(""), new RegExp(PASSWORD));
    }
  }
});
