import assert from "node:assert/strict";
import { setVariables } from "../../../lib/commands/run/environment.ts";
import { type Io, VariableError } from "../../../lib/io.ts";

/** The environment of a command, where SERA_SERVER was this. */
function environmentOf(server: string | undefined, variables: Readonly<Record<string, string | undefined>> = {}) {
  const before = Deno.env.toObject();
  if (server !== undefined) Deno.env.set("SERA_SERVER", server);
  const io: Io = {
    env: (name) => {
      if (server === "\ufffd") throw new VariableError("not UTF-8");
      return Deno.env.get(name);
    },
    out: () => undefined,
    err: () => undefined,
  };
  try {
    setVariables(variables, io);
    return Deno.env.toObject();
  } finally {
    for (const name of Object.keys(Deno.env.toObject())) if (!(name in before)) Deno.env.delete(name);
    for (const [name, value] of Object.entries(before)) Deno.env.set(name, value);
  }
}

Deno.test("variables are set, and those that do not apply are removed", () => {
  Deno.env.set("SERA_TEST_OLD", "old");
  const environment = environmentOf(undefined, { SERA_TEST_NEW: "new", SERA_TEST_OLD: undefined });
  Deno.env.delete("SERA_TEST_OLD");
  assert.deepEqual([environment.SERA_TEST_NEW, "SERA_TEST_OLD" in environment], ["new", false]);
});

for (const server of ["root:secret@tcp(db)/", "postgres://me:secret@db/", "password=secret", "\ufffd"]) {
  Deno.test(`a server with a password is removed from the command's environment, which is marked: ${JSON.stringify(server)}`, () => {
    const environment = environmentOf(server);
    assert.deepEqual(["SERA_SERVER" in environment, environment.SERA_SERVER_REMOVED], [false, "true"]);
  });
}

for (const server of ["file:/var/lock", "postgres://me@db/"]) {
  Deno.test(`a server without a password stays, for sera in the command: ${server}`, () => {
    const environment = environmentOf(server);
    assert.deepEqual([environment.SERA_SERVER, environment.SERA_SERVER_REMOVED], [server, undefined]);
  });
}

Deno.test("without a server in the environment nothing is marked as removed", () => {
  assert.equal(environmentOf(undefined).SERA_SERVER_REMOVED, undefined);
});
