/** No message repeats what may hold a password, wherever on a command line, in a variable or in a file it was written. */

import assert from "node:assert/strict";
import { environmentName, SETTINGS } from "../../lib/settings/table.ts";
import { seraInProcess } from "./in_process.ts";

/** What no output may hold, in any of its pieces. */
const SECRET = /geh31m|w0rt/;

/** Servers with a password, in the spellings that people and programs have for them, some of them broken. */
const SERVERS = [
  "u:geh31mw0rt@tcp(h)/d",
  "u:geh31mw0rt@h:3306/d",
  "u:geh31m)/w0rt@tcp(h)/d",
  "u:geh31m@tcp(w0rt)/tcp(127.0.0.1:1)/d",
  "u:geh31m/w0rt@tcp(h)",
  "u:geh31mw0rt@tcp(h",
  ":geh31mw0rt@tcp(h)/",
  "mysql://u:geh31mw0rt@h/d",
  "mysql://u:a@geh31m?w0rt@h",
  "mysql://u:a@geh31m/w0rt@h",
  "tcp(h)/d?password=geh31mw0rt",
  "postgres://u:geh31mw0rt@h/d",
  "postgres://u:geh31m@w0rt@h/d",
  "postgres://u:geh31m/w0rt@h/d",
  "postgres://u:a@geh31m?w0rt=x@h/d",
  "postgres://u@h/?p%61ssword=geh31mw0rt",
  "postgres://u@h/?dbname=postgres://u:geh31mw0rt@h",
  "host=h password=geh31mw0rt",
  "host=h PASSWORD = geh31mw0rt",
  "host=u:geh31mw0rt@h",
  "host=h p%61ssword=geh31mw0rt",
  "user=u password=geh31m w0rt=x",
  "etcd://u:geh31mw0rt@h/d",
  "etcd://u:geh31m@w0rt@h",
  "etcd://u:geh31m/w0rt@h",
  "etcds://u:a@geh31m?w0rt=x@h/d",
  "jdbc:postgresql://h/d?user=u&password=geh31mw0rt",
];

/** Where each of them is put, in the arguments. */
const WORDS: readonly ((server: string) => readonly string[])[] = [
  (server) => [server, "0", "true"],
  (server) => ["--", server, "0", "true"],
  (server) => ["0", server],
  (server) => ["0", server, "true"],
  (server) => ["--config", server, "0", "true"],
  (server) => [`---server=${server}`, "0", "true"],
  (server) => [`--=${server}`, "0", "true"],
  (server) => [`--sever=${server}`, "0", "true"],
  (server) => ["--sever", server, "0", "true"],
  (server) => [`-${server}`, "0", "true"],
  (server) => [`--${server}`, "0", "true"],
  (server) => [`---${server}`, "0", "true"],
  (server) => [`--help=${server}`],
  (server) => [`--version=${server}`],
  (server) => [...`--server ${server.replaceAll("w0rt", " w0rt")}`.split(" "), "0", "true"],
  (server) => ["status", server],
  (server) => ["status", "--", server],
  (server) => ["status", "--name", server, server],
  (server) => ["status", "0", server],
  (server) => [`status`, `---server=${server}`],
  (server) => ["history", server],
  (server) => ["history", "--limit", server],
  (server) => ["doctor", server],
  (server) => ["doctor", "--json", server],
  (server) => [`doctor`, `--json=${server}`],
  (server) => ["doctor", "--config", server],
  (server) => ["doctor", "--json", "--config", server],
  (server) => ["heimdall", server, "true"],
  (server) => ["heimdall", "--timeout", server, "true"],
  (server) => ["heimdall", `--debug=${server}`, "true"],
  (server) => ["heimdall", "--debug", "--database", broken(server), "true"],
];

/** Flags that take any text, so that no mistake shows. */
const TEXTS = new Set(["config", "server", "name"]);
const OTHERS = SETTINGS.filter(({ name }) => !TEXTS.has(name)).map(({ name }) => name);

/** libpq's variables that sera goes by, but for the password's own. */
const LIBPQ = ["HOST", "HOSTADDR", "PORT", "USER", "DATABASE", "SERVICE", "SERVICEFILE", "OPTIONS", "SSLMODE"].concat(
  ["SSLROOTCERT", "SSLCERT", "SSLKEY", "PASSFILE", "CONNECT_TIMEOUT", "TARGETSESSIONATTRS", "SSLCRL", "REQUIREPEER"],
).map((name) => `PG${name}`);

/** A server setting that is refused before the host's name is resolved, so that no test waits for that. */
function broken(server: string): string {
  return /^host|^user|^postgres/.test(server) ? server.replace(/\bh\b/, "127.0.0.1:1/%") : server;
}

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

type Variables = Readonly<Record<string, string>>;

/** The formats of errors. */
const MANNERS: readonly Variables[] = [{}, { SERA_LOG_FORMAT: "json" }, { SERA_VERBOSE: "stderr" }];

async function said(argv: readonly string[], env: Variables = {}): Promise<Said> {
  const { code, stdout, stderr } = await seraInProcess(argv, { env });
  return { code, out: stdout, err: stderr };
}

/** Asserts that an error was reported, in one line or one report, without the secret. */
function assertDiscreet({ code, out, err }: Said, what: string): void {
  assert.doesNotMatch(out + err, SECRET, what);
  assert.ok(code === 1 || code >= 200 && code <= 203, `${what}: ${code} ${out}${err}`);
  if (out === "") assert.match(err, /^(sera: [^\n]+|\{[^\n]+\})\n$/, what);
  else assert.equal(err, "", what);
  assert.doesNotMatch(out + err, /please report/, what);
}

/** Helpers that sera starts for a server end with its process, and do not count as the test's leaks. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

/** A private folder, and in it one for locks. */
async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "sera-secrets-" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const [index, place] of WORDS.entries()) {
  test(`arguments ${index}, ${place("SERVER").join(" ")}: no server is repeated`, () =>
    inFolder(async (folder) => {
      const env = { SERA_SERVER: `file:${folder}/locks`, HOME: folder };
      for (const server of SERVERS) {
        for (const more of MANNERS) {
          const argv = place(server);
          assertDiscreet(await said(argv, { ...env, ...more }), argv.join(" "));
        }
      }
    }));
}

for (const name of OTHERS) {
  test(`${name}: a server given in its place is not repeated`, () =>
    inFolder(async (folder) => {
      // Only PostgreSQL has all the settings. No server listens there.
      const server = "postgres://u:p@127.0.0.1:1/d?sslmode=verify-full";
      const config = `${folder}/sera.json`;
      const { inConfig, kind } = SETTINGS.find((setting) => setting.name === name)!;
      for (const wrong of SERVERS) {
        await Deno.writeTextFile(config, JSON.stringify({ server, [name]: wrong }));
        for (const command of [["0", "true"], ["status"], ["history"], ["doctor"], ["doctor", "--json"]]) {
          const subcommands = command.filter((word) => /^[sdh]/.test(word));
          const rest = command.filter((word) => !/^[sdh]/.test(word));
          const argv = (...flags: string[]) => [...subcommands, ...flags, ...rest];
          const env = { SERA_SERVER: server, HOME: folder };
          const all = [
            await said(argv(`--${name}=${wrong}`), env),
            await said(argv(), { ...env, [environmentName(name)]: wrong }),
            ...inConfig ? [await said(argv("--config", config), { HOME: folder })] : [],
          ];
          for (const one of all) assertDiscreet(one, `${name} ${wrong}`);
          // Other than a text, it cannot be used.
          if (kind !== "text") assert.ok(all.every(({ code }) => code < 202), `${name} ${wrong}`);
        }
      }
    }));
}

for (const name of LIBPQ) {
  test(`${name}: a server given in its place is not repeated`, () =>
    inFolder(async (folder) => {
      for (const wrong of SERVERS) {
        const server = name === "PGHOST" ? "postgres://u:p@/d" : "postgres://127.0.0.1:1/?sslmode=verify-full";
        const env: Record<string, string> = {
          SERA_SERVER: server,
          HOME: folder,
          SERA_VERBOSE: "stderr",
          [name]: wrong,
        };
        for (const argv of [["0", "true"], ["doctor"], ["doctor", "--json"]]) {
          const { code, out, err } = await said(argv, env);
          assert.doesNotMatch(out + err, SECRET, `${name}=${wrong}`);
          assert.ok(code === 200 || code === 202, `${name}=${wrong}: ${code} ${out}${err}`);
        }
      }
    }));
}

/** Config files with a server where none belongs. */
const FILES: readonly ((server: string) => string)[] = [
  (server) => server,
  (server) => JSON.stringify(server),
  (server) => JSON.stringify([server]),
  (server) => `{"server": "${server}`,
  (server) => `{"server": ${server}}`,
  (server) => `{${server}}`,
  (server) => `{"server": "file:/nonexistent/x"}\n${server}`,
  (server) => JSON.stringify({ server: [server] }),
  (server) => JSON.stringify({ server: { url: server } }),
  (server) => JSON.stringify({ [server]: "" }),
  (server) => JSON.stringify({ server: "file:relative", [server]: server }),
  (server) => JSON.stringify({ server: "file:/dev/null/x", ttl: [server] }),
  (server) => JSON.stringify({ server: "file:/dev/null/x", verbose: { [server]: server } }),
  (server) => JSON.stringify({ server: "file:/dev/null/x", [server]: server, url: server }),
];

for (const [index, text] of FILES.entries()) {
  test(`config file ${index}, ${text("SERVER")}: no server is repeated`, () =>
    inFolder(async (folder) => {
      const config = `${folder}/sera.json`;
      for (const server of SERVERS) {
        await Deno.writeTextFile(config, text(server));
        for (const argv of [["0", "true"], ["status"], ["history"], ["doctor"], ["doctor", "--json"]]) {
          for (const more of MANNERS) {
            const { code, out, err } = await said(argv, { SERA_CONFIG: config, HOME: folder, ...more });
            assert.doesNotMatch(out + err, SECRET, text(server));
            assert.ok(code === 200 || code === 202, `${text(server)}: ${code} ${out}${err}`);
          }
        }
      }
    }));
}

test("a service file and a password file are not repeated", () =>
  inFolder(async (folder) => {
    const service = `${folder}/services`, passwords = `${folder}/passwords`;
    for (const server of SERVERS) {
      await Deno.writeTextFile(passwords, `${server}\n127.0.0.1:*:*:*:geh31mw0rt\n`, { mode: 0o600 });
      for (const line of [server, `host=${server}`, `port=${server}`, `sslmode=${server}`, `${server}=x`]) {
        await Deno.writeTextFile(service, `[s]\nhost=127.0.0.1\nport=1\n${line}\n`);
        const env = { HOME: folder, PGSERVICEFILE: service, PGPASSFILE: passwords, SERA_VERBOSE: "stderr" };
        for (const command of [["0", "true"], ["doctor"], ["doctor", "--json"]]) {
          const { out, err } = await said(command, { ...env, SERA_SERVER: "service=s user=u" });
          assert.doesNotMatch(out + err, SECRET, line);
        }
      }
    }
  }));
