import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { Place } from "./place.ts";

Deno.test("the command gets the environment untouched", async () => {
  await using place = await Place.make();
  const values = { EMPTY: "", SPACES: " a  b ", LINES: "a\nb=c", UMLAUT: "Grüße", LD_LIBRARY_PATH: "/nonexistent" };
  const show = Object.keys(values).map((name) => `printf '%s\\1' "$${name}"`).join("; ");
  const { code, stdout, stderr } = await place.sera(["0", "sh", "-c", show], { env: values });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.deepEqual(stdout.split("\u0001").slice(0, -1), Object.values(values));
});

Deno.test("only variables about the lock are added to the environment, and none is removed", async () => {
  await using place = await Place.make();
  const sorted = (text: string) => text.split("\n").sort();
  const env = { PATH: Deno.env.get("PATH"), MY_VARIABLE: "1", SERA_NAME: "n" };
  const direct = await place.run(["env"], { env });
  const under = await place.sera(["0", "env"], { env });
  const address = encodeURIComponent(place.server);
  const held = under.stdout.match(new RegExp(`^SERA_HELD_LOCKS=${lockName("n")}:\\d+:\\d+:${address}\n`, "m"))?.[0];
  const told = `SERA_LOCK_NAME=${lockName("n")}\nSERA_LOCK_KEY=n\nSERA_HOST=${Deno.hostname()}\n${held}`;
  assert.deepEqual(sorted(under.stdout), sorted(direct.stdout.replace(`${place.path}/bin:`, "") + told));
});

Deno.test("a variable that is not UTF-8 passes", async () => {
  await using place = await Place.make();
  const { code, stdout } = await place.shell(`X=$(printf 'a\\377b') sera 0 sh -c 'printf %s "$X"' | od -An -tx1`);
  assert.deepEqual({ code, bytes: stdout.trim() }, { code: 0, bytes: "61 ff 62" });
});

Deno.test("a server with a password is removed from the command's environment, even if another one is used", async () => {
  await using place = await Place.make();
  for (const server of ["sera:secret@tcp(db.example.com:3306)/", "sera:p@ss:w/rd@/", "postgres://sera:secret@db/x"]) {
    const env = { SERA_SERVER: server, OTHER: "secret too" };
    const { code, stdout } = await place.sera(["--server", place.server, "0", "env"], { env });
    assert.equal(code, 0);
    assert.doesNotMatch(stdout, /^SERA_SERVER=|:secret@|p@ss/m);
    assert.match(stdout, /^SERA_SERVER_REMOVED=true$/m);
    assert.match(stdout, /^OTHER=secret too$/m);
  }
});

Deno.test("a server without a password stays in the environment, for sera in the command", async () => {
  await using place = await Place.make();
  for (const server of ["sera@tcp(127.0.0.1:3306)/", `file:${place.path}/a:b@c`]) {
    const { stdout } = await place.sera(["--server", place.server, "0", "env"], { env: { SERA_SERVER: server } });
    assert.ok(stdout.split("\n").includes(`SERA_SERVER=${server}`), stdout);
  }
  const nested = await place.run(["sera", "--name", "outer", "0", "sera", "--name", "inner", "0", "echo", "ran"]);
  assert.deepEqual(nested, { code: 0, stdout: "ran\n", stderr: "" });
});

Deno.test("when a server was removed from the environment, sera in the command says so", async () => {
  await using place = await Place.make();
  const env = { SERA_SERVER: "u:secret@tcp(127.0.0.1:1)/" };
  const file = await place.write("empty.json", "{}");
  for (const words of [["0", "true"], ["status"], ["history"], ["--config", file, "0", "true"]]) {
    const { code, stderr } = await place.run(["sera", "--server", place.server, "0", "sera", ...words], { env });
    assert.equal(code, 200);
    assert.match(
      stderr,
      /^sera: No server: [^\n]* removed SERA_SERVER from this command's environment[^\n]*; name the server in [^\n]*\n$/,
    );
  }
  const doctor = await place.run(["sera", "--server", place.server, "0", "sera", "doctor"], { env });
  assert.equal(doctor.code, 200);
  assert.match(doctor.stdout, /^fail {2}config {7}No server: .*removed SERA_SERVER/);
  const config = await place.write("sera.json", JSON.stringify({ server: place.server }));
  const inner = ["sera", "--server", place.server, "--name", "outer", "0", "sera", "0", "echo", "ran"];
  const cured = await place.run(inner, { env: { ...env, SERA_CONFIG: config } });
  assert.deepEqual(cured, { code: 0, stdout: "ran\n", stderr: "" });
});

Deno.test("a password is never shown", async () => {
  await using place = await Place.make();
  const password = "hunter2marker";
  const wrongs = [
    `u:${password}@tcp(127.0.0.1:1)/`,
    `u:${password}@tcp(127.0.0.1:1`,
    `u:${password}@tcp(127.0.0.1:1)/?tls=perhaps`,
    `u:${password}@unix(/nonexistent.sock)/`,
    `postgres://u:${password}@127.0.0.1:1/x`,
    `${password}`,
  ];
  for (const server of wrongs) {
    for (const flags of [[], ["--verbose"], ["--log-format=json"]]) {
      const ended = await place.sera([...flags, "0", "true"], { env: { SERA_SERVER: server } });
      assert.ok([200, 202].includes(ended.code), `${ended.code} for ${server}: ${ended.stderr}`);
      assert.ok(!(ended.stdout + ended.stderr).includes(password), ended.stdout + ended.stderr);
    }
  }
});
