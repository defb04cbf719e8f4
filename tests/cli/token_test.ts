import assert from "node:assert/strict";
import { namespacedName } from "../../lib/lock/namespaced_name.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { Place } from "./place.ts";
import { SharedPostgres } from "./postgres.ts";

/** Prints the variables that sera sets, with `-` for a missing one. */
const SHOW = "for name in RUN_ID TOKEN LOCK_NAME LOCK_KEY HOST; do eval echo '\"${SERA_'$name'--}\"'; done";

interface Shown {
  readonly runId: string;
  readonly token: string;
  readonly name: string;
  readonly key: string;
  readonly host: string;
}

function read(stdout: string): Shown {
  const [runId, token, name, key, host, rest] = stdout.split("\n") as [string, string, string, string, string, string];
  assert.equal(rest, "");
  return { runId, token, name, key, host };
}

const postgres = new SharedPostgres();
const onPostgres = () => Place.make(postgres.server.url());

const KINDS = [
  ["a file", Deno.test, () => Place.make()],
  ["PostgreSQL", (name: string, fn: () => Promise<void>) => postgres.test(name, fn), onPostgres],
] as const;

for (const [where, test, make] of KINDS) {
  test(`with the ledger on ${where} the command gets a token that grows with every run`, async () => {
    await using place = await make();
    const tokens = [];
    for (const flags of [["--ledger"], ["--once", "k"], ["--every", "1ms"], ["--record-skips"], ["--ledger"]]) {
      const { code, stdout } = await place.sera([...flags, "--name", "n", "0", "sh", "-c", SHOW]);
      assert.equal(code, 0);
      const { runId, token, ...rest } = read(stdout);
      assert.equal(runId, token);
      assert.deepEqual(rest, { name: lockName("n"), key: "n", host: Deno.hostname() });
      tokens.push(Number(token));
      // A run that fails, and one that never begins, take numbers, too.
      await place.sera(["--ledger", "--name", "n", "0", tokens.length % 2 === 0 ? "false" : "no-such-command"]);
    }
    assert.deepEqual(tokens, [...new Set(tokens)].sort((a, b) => a - b));
    assert.ok(tokens[0]! > 0);
  });
}

Deno.test("without the ledger there is no token, even inside a sera that has one", async () => {
  await using place = await Place.make();
  const plain = read((await place.sera(["--name", "n", "0", "sh", "-c", SHOW])).stdout);
  assert.deepEqual(plain, { runId: "-", token: "-", name: lockName("n"), key: "n", host: Deno.hostname() });
  const inner = ["sera", "--name", "inner", "0", "sh", "-c", SHOW];
  const nested = await place.run([
    "sera",
    "--ledger",
    "--name",
    "outer",
    "0",
    "sh",
    "-c",
    `${SHOW}; "$@"`,
    "sh",
    ...inner,
  ]);
  const lines = nested.stdout.split("\n");
  assert.deepEqual(read(lines.slice(0, 5).join("\n") + "\n").token, "1");
  assert.deepEqual(read(lines.slice(5).join("\n")), { ...plain, name: lockName("inner"), key: "inner" });
});

Deno.test("without --name the key is the command's words", async () => {
  await using place = await Place.make();
  const { name, key } = read((await place.sera(["0", "sh", "-c", SHOW, "Grüße", "a b"])).stdout);
  assert.equal(key, `sh -c ${SHOW} Grüße a b`);
  assert.equal(name, lockName(key));
});

Deno.test("a key that is too long for a variable is left out, so that the command can start", async () => {
  await using place = await Place.make();
  const env = { SERA_LOCK_KEY: "the outer one's" };
  const keyOf = async (name: string) => {
    const { stdout } = await place.sera(["--name", name, "0", "sh", "-c", 'echo "${SERA_LOCK_KEY--}"'], { env });
    return stdout.trim();
  };
  assert.equal(await keyOf("k".repeat(4096)), "k".repeat(4096));
  assert.equal(await keyOf("k".repeat(4097)), "-");
  // One variable may have 131072 bytes on Linux, and one word as well; all together may be more.
  const words = Array.from({ length: 40 }, () => "w".repeat(4000));
  const { code, stdout } = await place.sera(["0", "sh", "-c", SHOW, ...words], { env });
  assert.equal(code, 0);
  assert.equal(read(stdout).key, "-");
});

postgres.test("a lock in a namespace, or heimdall's, has PostgreSQL's name and no token", async () => {
  await using place = await onPostgres();
  const expected = { runId: "-", token: "-", name: namespacedName("N", "L"), key: "L", host: Deno.hostname() };
  const names = ["--namespace", "N", "--name", "L"];
  const env = { SERA_TOKEN: "99", SERA_RUN_ID: "99" };
  assert.deepEqual(read((await place.sera([...names, "0", "sh", "-c", SHOW], { env })).stdout), expected);
  const words = ["heimdall", "--database", place.server, ...names, "sh", "-c", SHOW];
  assert.deepEqual(read((await place.sera(words, { env })).stdout), expected);
});
