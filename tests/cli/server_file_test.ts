/** `server-file`: the server from a file. What may be in the file's place is tested in files_that_decide_test.ts. */

import assert from "node:assert/strict";
import { inProcess, testInProcess } from "./in_process.ts";
import { linux, testWith, tool } from "./needs.ts";
import { Place } from "./place.ts";
import { testOnAll, useTargets } from "./targets.ts";

/** An environment without a server. */
const NO_SERVER = { SERA_SERVER: undefined };

/** Would show if a part of a file were quoted. */
const PASSWORD = "hunter2marker";

testOnAll(
  useTargets(),
  "a lock, doctor and status with the server from a file, which ends with a line end",
  async (target) => {
    await using started = await target.start();
    const { place, server } = started;
    const path = await place.write("secret", `${server}\r\n`);
    await Deno.chmod(path, 0o600);
    const env = { ...NO_SERVER, SERA_SERVER_FILE: path };
    const ran = await place.sera(["0", "sh", "-c", 'echo "$SERA_SERVER_FILE $SERA_SERVER_REMOVED"'], { env });
    assert.deepEqual(ran, { code: 0, stdout: `${path} \n`, stderr: "" });
    const doctor = await place.sera(["doctor"], { env });
    assert.equal(doctor.code, 0, doctor.stdout);
    assert.match(doctor.stdout, /^pass +config +none is needed: SERA_SERVER_FILE names the server$/m);
    assert.match(doctor.stdout, /^pass +permissions +mode 0600/m);
    await using holder = place.startSera(["--name", "n", "0", "sh", "-c", "echo ready; read line"], {
      stdin: "open",
      env,
    });
    await holder.says("ready");
    assert.equal((await place.sera(["status", "--server-file", path, "--name", "n"], { env: NO_SERVER })).code, 0);
    // The same lock as by the setting itself.
    assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 204);
  },
);

Deno.test("the server or server file with the highest precedence counts", async () => {
  await using place = await Place.make();
  const good = await place.write("good", place.server);
  const bad = `u:${PASSWORD}@tcp(127.0.0.1:1)/`;
  const badFile = await place.write("bad", bad);
  const config = await place.write("sera.json", JSON.stringify({ server: bad }));
  const withFile = await place.write("file.json", JSON.stringify({ "server-file": badFile }));
  const silent = { code: 0, stdout: "", stderr: "" };
  for (
    const [flags, env] of [
      [["--server-file", good], { SERA_SERVER: bad }],
      [["--server", place.server], { ...NO_SERVER, SERA_SERVER_FILE: badFile }],
      [["--config", config], { ...NO_SERVER, SERA_SERVER_FILE: good }],
      [["--config", withFile], {}],
      [["--config", config, "--server-file", good], NO_SERVER],
    ] as const
  ) {
    assert.deepEqual(await place.sera([...flags, "0", "true"], { env }), silent, flags.join(" "));
  }
  const told = await place.sera(["--verbose", "--server", place.server, "0", "true"], {
    env: { ...NO_SERVER, SERA_SERVER_FILE: badFile },
  });
  assert.match(told.stdout, /^Settings: server from --server, verbose from --verbose, the others by default\.$/m);
});

/** The server file, and sera's message. */
const REFUSED: readonly (readonly [
  name: string,
  given: (place: Place) => Promise<readonly [flags: string[], env?: Record<string, string>]>,
  code: number,
  says: (path: string) => string,
])[] = [
  [
    "both as flags",
    (place) => Promise.resolve([["--server", place.server, "--server-file", "x"]]),
    201,
    () => "Cannot use --server and --server-file at once: both say where the lock lives; remove one",
  ],
  [
    "both as variables",
    (place) => Promise.resolve([[], { SERA_SERVER: place.server, SERA_SERVER_FILE: "x" }]),
    200,
    () => "Cannot use SERA_SERVER and SERA_SERVER_FILE at once: both say where the lock lives; remove one",
  ],
  [
    "both in the config file",
    async (place) => [[
      "--config",
      await place.write("sera.json", `{"server": "x:${PASSWORD}@tcp(h)/", "server-file": "/x"}`),
    ]],
    200,
    (path) =>
      `Cannot use server and server-file in ${path}/sera.json at once: both say where the lock lives; remove one`,
  ],
  [
    "a relative path in the config file",
    async (place) => [["--config", await place.write("sera.json", `{"server-file": "x"}`)]],
    200,
    (path) => `Cannot use server-file in ${path}/sera.json: x; it takes an absolute path there`,
  ],
  [
    "no such file",
    (place) => Promise.resolve([["--server-file", place.file("none")]]),
    200,
    (path) =>
      `No server file: ${path}/none; write the server into it, on one line and alone, or use --server or SERA_SERVER`,
  ],
  [
    "a server in the place of the file",
    () => Promise.resolve([["--server-file", `postgres://u:${PASSWORD}@h/d`]]),
    200,
    () => "No server file: the path given looks like a server; to name a server, use --server",
  ],
  [
    "an empty file",
    async (place) => [["--server-file", await place.write("s", "\n")]],
    200,
    (path) =>
      `Cannot use the server file: ${path}/s: it is empty; ` +
      "write the server into it, on one line and alone, or use --server or SERA_SERVER",
  ],
  [
    "two lines",
    async (place) => [["--server-file", await place.write("s", `u:${PASSWORD}@tcp(h)/\nx`)]],
    200,
    (path) =>
      `Cannot use the server file: ${path}/s: it has more than one line; ` +
      "write the server into it, on one line and alone, or use --server or SERA_SERVER",
  ],
  [
    "no server in it",
    async (place) => [["--server-file", await place.write("s", `postgress://u:${PASSWORD}@h/`)]],
    200,
    (path) =>
      `Cannot use the server in ${path}/s: no kind of server has this scheme; ` +
      "write postgres://, mysql://, etcd://, file:, or user:password@tcp(host)/",
  ],
];

for (const [name, given, code, says] of REFUSED) {
  testInProcess(`server-file is refused, without showing the file's content: ${name}`, async () => {
    await using place = await Place.make();
    const [flags, env = NO_SERVER] = await given(place);
    const ended = await inProcess(place, [...flags, "0", "true"], { env });
    assert.deepEqual(ended, { code, stdout: "", stderr: `sera: ${says(place.path)}\n` });
  });
}

Deno.test("a relative path starts from sera's folder", async () => {
  await using place = await Place.make();
  await place.write("secret", place.server);
  const options = { cwd: place.path, env: { ...NO_SERVER, SERA_SERVER_FILE: "secret" } };
  assert.deepEqual(await place.sera(["0", "echo", "ran"], options), { code: 0, stdout: "ran\n", stderr: "" });
});

testWith([linux], "doctor warns of a password that everybody can read", async () => {
  await using place = await Place.make();
  const path = await place.write("secret", `u:${PASSWORD}@tcp(127.0.0.1:1)/`);
  await Deno.chmod(path, 0o644);
  const { stdout } = await place.sera(["doctor", "--server-file", path], { env: NO_SERVER });
  assert.match(stdout, /^warn +permissions +mode 0644: everybody can read the password in .*secret; chmod 0640 /m);
  assert.doesNotMatch(stdout, new RegExp(PASSWORD));
});

testWith([linux, tool("bash", "--version")], "a shell's <(…) is read as server file", async () => {
  await using place = await Place.make();
  const words = ["bash", "-c", `sera --server-file <(printf %s "$0") 0 echo ran`, place.server];
  assert.deepEqual(await place.run(words, { env: NO_SERVER }), { code: 0, stdout: "ran\n", stderr: "" });
});
