/** What lies in /dev, /proc and /sys, which the runtime opens only to a program that may do everything. */

import assert from "node:assert/strict";
import { linux, testWith, tool } from "./needs.ts";
import { Place } from "./place.ts";
import type { Ended } from "./running.ts";

const SHM = tool("sh", "-c", "d=$(mktemp -d /dev/shm/sera-cli-XXXXXX) && rmdir $d");

/** One line in sera's own words, and nothing ran. */
function assertSaid({ code, stdout, stderr }: Ended, expected: number, words: RegExp): void {
  assert.deepEqual({ code, stdout }, { code: expected, stdout: "" }, stderr);
  assert.match(stderr, /^sera: [^\n]+\n$/);
  assert.match(stderr, words);
  assert.doesNotMatch(stderr, /Requires|allow-all|os error|report it/);
}

/** Makes a folder in /dev/shm and removes it. */
async function inMemory(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: "/dev/shm", prefix: "sera-cli-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const PLAIN = /sera cannot open files in \/dev, \/proc or \/sys\)?; /;

testWith([linux, SHM], "a lock folder in /dev, /proc or /sys is refused before anything is made there", async () => {
  await using place = await Place.make();
  await inMemory(async (folder) => {
    await Deno.mkdir(`${folder}/there`);
    await Deno.symlink(folder, place.file("link"));
    const paths = [`${folder}/there`, `${folder}/new`, place.file("link"), `${place.file("link")}/new`];
    for (const path of [...paths, "/proc/sera", "/proc/self/cwd/locks", "/sys/sera"]) {
      const server = ["--server", `file:${path}`];
      for (const args of [server, [...server, "--once", "k"]]) {
        assertSaid(await place.sera([...args, "0", "echo", "ran"]), 202, PLAIN);
      }
      const { code, stdout } = await place.sera(["doctor", ...server]);
      assert.equal(code, 202, stdout);
      assert.match(stdout, PLAIN);
      assert.doesNotMatch(stdout, /Requires|allow-all/);
    }
    for await (const { name } of Deno.readDir(folder)) assert.equal(name, "there");
    for (const subcommand of ["status", "history"]) {
      const { stderr } = await place.sera([subcommand, "--server", `file:${folder}/there`]);
      assert.doesNotMatch(stderr, /Requires|allow-all/);
    }
  });
});

/** What else may be named there: the text of the file, and how to name it. */
interface Use {
  readonly text: string;
  readonly args: (path: string) => readonly string[];
  readonly env?: (path: string) => Record<string, string | undefined>;
}

const POSTGRES = "host=127.0.0.1 port=1 user=u";
const PEM = "-----BEGIN CERTIFICATE-----\n";

const USES: Record<string, Use> = {
  "config file": {
    text: '{"server": "file:"}',
    args: (path) => ["--config", path],
    env: () => ({ SERA_SERVER: undefined }),
  },
  "CA for MySQL": {
    text: PEM,
    args: (path) => ["--server", "u@tcp(127.0.0.1:1)/?tls=true", "--tls-ca", path],
  },
  "CA for PostgreSQL": {
    text: PEM,
    args: (path) => ["--server", `${POSTGRES} sslmode=verify-ca sslrootcert=${path}`],
  },
  // Going on without it would trust everybody.
  "CA that libpq may do without": {
    text: PEM,
    args: (path) => ["--server", `${POSTGRES} sslmode=require sslrootcert=${path}`],
  },
  "client certificate": {
    text: PEM,
    args: (path) => ["--server", `${POSTGRES} sslmode=require sslcert=${path} sslkey=${path}`],
  },
  "service file": {
    text: "[s]\nhost=127.0.0.1\nport=1\n",
    args: () => ["--server", "service=s"],
    env: (path) => ({ PGSERVICEFILE: path }),
  },
};

for (const [what, { text, args, env }] of Object.entries(USES)) {
  testWith([linux, SHM], `a ${what} in /dev/shm is refused in one line`, async () => {
    await using place = await Place.make();
    await inMemory(async (folder) => {
      const path = `${folder}/file`;
      await Deno.writeTextFile(path, text, { mode: 0o600 });
      const run = (path: string) => place.sera([...args(path), "0", "echo", "ran"], { env: env?.(path) ?? {} });
      assertSaid(await run(path), 200, PLAIN);
      for (const other of ["/proc/self/mem", "/dev/stdin"]) assertSaid(await run(other), 200, /./);
    });
  });
}

testWith([linux, SHM], "a password file in /dev/shm is told of by those who ask", async () => {
  await using place = await Place.make();
  await inMemory(async (folder) => {
    await Deno.writeTextFile(`${folder}/pgpass`, "*:*:*:*:secret\n", { mode: 0o600 });
    const server = `${POSTGRES} passfile=${folder}/pgpass`;
    const { stderr } = await place.sera(["--verbose=stderr", "--server", server, "0", "echo", "ran"]);
    assert.match(stderr, /is ignored: sera cannot open files in \/dev, \/proc or \/sys\n/);
  });
});

testWith([linux, SHM], "a socket in /dev/shm is used, or refused in sera's own words", async () => {
  await using place = await Place.make();
  await inMemory(async (folder) => {
    const path = `${folder}/.s.PGSQL.5432`;
    using listener = Deno.listen({ transport: "unix", path });
    const closed = (async () => {
      for await (const connection of listener) connection.close();
    })();
    for (const server of [`u@unix(${path})/`, `host=${folder} user=u`]) {
      assertSaid(await place.sera(["--server", server, "0", "echo", "ran"]), 202, /closed|elsewhere|ended/);
    }
    listener.close();
    await closed.catch(() => undefined);
  });
});

testWith([linux, SHM], "a command, and a working directory, in /dev/shm are as good as any", async () => {
  await using place = await Place.make();
  await inMemory(async (folder) => {
    await Deno.writeTextFile(`${folder}/job`, "#!/bin/sh\npwd\n", { mode: 0o755 });
    for (const job of ["./job", `${folder}/job`]) {
      assert.deepEqual(await place.sera(["0", job], { cwd: folder }), { code: 0, stdout: `${folder}\n`, stderr: "" });
    }
  });
});
