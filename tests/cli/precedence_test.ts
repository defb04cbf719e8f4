import assert from "node:assert/strict";
import { Place } from "./place.ts";
import type { Ended } from "./running.ts";

/** Where a setting may be given, in rising order. */
interface Given {
  readonly file?: Record<string, unknown>;
  readonly env?: Record<string, string>;
  readonly flags?: string[];
}

async function run(place: Place, { file, env, flags }: Given, words: string[] = ["true"]): Promise<Ended> {
  const path = await place.write("sera.json", JSON.stringify({ server: place.server, ...file }));
  return await place.sera(["--config", path, ...flags ?? [], "0", ...words], {
    env: { SERA_SERVER: undefined, ...env },
  });
}

function locksIn(folder: string): number {
  try {
    return [...Deno.readDirSync(folder)].length;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

Deno.test("server: the variable wins over the file, and the flag over both", async () => {
  await using place = await Place.make();
  const folders = ["file", "env", "flag"].map((name) => place.file(name));
  const counts = () => folders.map(locksIn);
  const [file, env, flag] = folders.map((folder) => `file:${folder}`) as [string, string, string];
  await run(place, { file: { server: file } });
  assert.deepEqual(counts(), [1, 0, 0]);
  await run(place, { file: { server: file }, env: { SERA_SERVER: env } }, ["true", "2"]);
  assert.deepEqual(counts(), [1, 1, 0]);
  await run(place, { file: { server: file }, env: { SERA_SERVER: env }, flags: ["--server", flag] }, ["true", "3"]);
  assert.deepEqual(counts(), [1, 1, 1]);
});

Deno.test("verbose: the variable wins over the file, and the flag over both", async () => {
  await using place = await Place.make();
  const said = ({ stdout, stderr }: Ended) => [stdout !== "", stderr !== ""];
  assert.deepEqual(said(await run(place, {})), [false, false]);
  assert.deepEqual(said(await run(place, { file: { verbose: true } })), [true, false]);
  assert.deepEqual(said(await run(place, { file: { verbose: true }, env: { SERA_VERBOSE: "stderr" } })), [false, true]);
  assert.deepEqual(said(await run(place, { env: { SERA_VERBOSE: "stderr" }, flags: ["--verbose"] })), [true, false]);
  assert.deepEqual(said(await run(place, { file: { verbose: true }, flags: ["--verbose=false"] })), [false, false]);
});

Deno.test("log-format: the variable wins over the file, and the flag over both", async () => {
  await using place = await Place.make();
  const isJson = ({ stdout }: Ended) => stdout.startsWith("{");
  const file = { verbose: true, "log-format": "json" };
  assert.equal(isJson(await run(place, { file: { verbose: true } })), false);
  assert.equal(isJson(await run(place, { file })), true);
  assert.equal(isJson(await run(place, { file, env: { SERA_LOG_FORMAT: "text" } })), false);
  assert.equal(
    isJson(await run(place, { file, env: { SERA_LOG_FORMAT: "text" }, flags: ["--log-format=json"] })),
    true,
  );
});

Deno.test("tls-ca: the variable wins over the file, and the flag over both", async () => {
  await using place = await Place.make();
  const server = "u@tcp(127.0.0.1:1)/?tls=true";
  const file = { server, "tls-ca": "/nonexistent/file.pem" };
  const env = { SERA_TLS_CA: "/nonexistent/env.pem" };
  assert.match((await run(place, { file })).stderr, /\/nonexistent\/file\.pem/);
  assert.match((await run(place, { file, env })).stderr, /\/nonexistent\/env\.pem/);
  const { code, stderr } = await run(place, { file, env, flags: ["--tls-ca", "/nonexistent/flag.pem"] });
  assert.equal(code, 200);
  assert.match(stderr, /\/nonexistent\/flag\.pem/);
});

Deno.test("name, wait-and-skip and detailed-exit-codes: the flag wins over the variable", async () => {
  await using place = await Place.make();
  await using holder = place.startSera(["--name", "taken", "0", "sh", "-c", "echo ready; read _"], { stdin: "open" });
  await holder.says("ready");
  const env = { SERA_NAME: "taken" };
  assert.equal((await run(place, { env })).code, 204);
  assert.equal((await run(place, { env, flags: ["--name", "free"] })).code, 0);

  const skip = { SERA_NAME: "taken", SERA_WAIT_AND_SKIP: "true", SERA_DETAILED_EXIT_CODES: "1", SERA_VERBOSE: "true" };
  const syncing = /waiting for them; this run will be skipped/;
  assert.match((await place.sera(["1ms", "true"], { env: skip })).stdout, syncing);
  assert.doesNotMatch((await place.sera(["--wait-and-skip=false", "1ms", "true"], { env: skip })).stdout, syncing);

  await using skipper = place.startSera(["180", "true"], { env: skip });
  await using plain = place.startSera(["--detailed-exit-codes=false", "180", "true"], { env: skip });
  await skipper.says(syncing);
  await plain.says(syncing);
  await holder.closeStdin();
  assert.deepEqual([(await skipper.ended).code, (await plain.ended).code], [205, 0]);
});

Deno.test("settings for a single run are not accepted in the config file", async () => {
  await using place = await Place.make();
  const file = { verbose: true, name: "x", "wait-and-skip": true, "detailed-exit-codes": true, config: "/x" };
  const { code, stdout } = await run(place, { file });
  assert.equal(code, 0);
  for (const key of ["name", "wait-and-skip", "detailed-exit-codes", "config"]) {
    assert.match(
      stdout,
      new RegExp(`^Key not allowed in .*: ${key}; remove it; set it with the flag --${key} or the variable SERA_`, "m"),
    );
  }
});

Deno.test("an empty variable counts as unset, one with a wrong value is 200", async () => {
  await using place = await Place.make();
  assert.deepEqual(await run(place, { env: { SERA_VERBOSE: "", SERA_NAME: "" } }), { code: 0, stdout: "", stderr: "" });
  const { code, stderr } = await run(place, { env: { SERA_VERBOSE: "loud" } });
  assert.equal(code, 200);
  assert.match(stderr, /^sera: [^\n]*SERA_VERBOSE: loud; it takes [^\n]+\n$/);
});
