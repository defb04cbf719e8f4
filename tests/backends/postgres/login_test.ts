/** Ways to reach a PostgreSQL server and log in, and the messages when that fails. */

import assert from "node:assert/strict";
import { sera } from "../../cli/program.ts";
import { freePort } from "../../servers/free_port.ts";
import { postgres18Unavailable, startPostgres18 } from "../../servers/postgres18.ts";
import type { PostgresServer } from "../../servers/postgres_process.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../../servers/postgres_system.ts";
import { Blackhole } from "../blackhole.ts";
import { freshName, later, never } from "../open.ts";
import { ask, assertLocks, assertUnavailable, openWith } from "./ask.ts";
import type { Env } from "../parse.ts";
import { SharedServer } from "../shared_server.ts";
import { HANG, until } from "../../cli/wait.ts";

const WHO = "SELECT session_user AS user, current_database() AS database, host(inet_client_addr()) AS client";
const NO_PASSWORD =
  /: the server asks for a password, and there is none; put it into the server setting or the password file$/;
const WRONG_PASSWORD =
  /: password authentication failed for user "[^"]+"; check user and password, in the server setting or/;
const NOT_LET_IN = /; check the role \(LOGIN\) and pg_hba\.conf on the server$/;

/** Roles whose names are the ways in which pg_hba.conf wants them to log in. */
const HBA = ["scram-sha-256", "md5", "password", "trust", "reject"].map((method) => `host all ${method} all ${method}`);
const HBA_NOBODY = "host all nobody all trust";

const ROLES = `
  CREATE ROLE "scram-sha-256" LOGIN PASSWORD 'secret';
  CREATE ROLE "password" LOGIN PASSWORD 'secret';
  CREATE ROLE "trust" LOGIN;
  CREATE ROLE "reject" LOGIN PASSWORD 'secret';
  CREATE ROLE "no login" PASSWORD 'secret';
  CREATE ROLE "limited" LOGIN PASSWORD 'secret' CONNECTION LIMIT 0;
  CREATE ROLE "expired" LOGIN PASSWORD 'secret' VALID UNTIL '2001-01-01';
  CREATE ROLE "no password" LOGIN;
  SET password_encryption = 'md5';
  CREATE ROLE "md5" LOGIN PASSWORD 'secret'`;

/** Passwords that a URL, a keyword's value, a password file or the hash might get wrong. */
const ODD_PASSWORDS = {
  separators: "p@ss:w/o%41r?d&#[=],+",
  quotes: `it's a "quoted" \\back\\slash\\`,
  blanks: " in front, and after ",
  letters: "pässwörd 密码 🔑",
  // SCRAM takes these as their plain relatives: a ligature, a wide letter, a soft hyphen, a space that does not break.
  relatives: "ﬁ Ａ a\u00adb c\u00a0d",
};

const SERVERS = [
  ["PostgreSQL", systemPostgresUnavailable, startSystemPostgres],
  ["PostgreSQL 18", postgres18Unavailable, startPostgres18],
] as const;

for (const [label, missing, start] of SERVERS) {
  const shared = new SharedServer(label, missing, async () => {
    const server = await start({ hba: [...HBA, HBA_NOBODY] });
    await server.query(ROLES);
    for (const [role, password] of Object.entries(ODD_PASSWORDS)) {
      await server.query(`CREATE ROLE "${role}" LOGIN PASSWORD ${literal(password)}`);
    }
    await server.query("CREATE DATABASE closed");
    await server.query("REVOKE CONNECT ON DATABASE closed FROM PUBLIC");
    await server.query("CREATE DATABASE template ALLOW_CONNECTIONS false");
    await server.query("CREATE DATABASE crowded CONNECTION LIMIT 0");
    return server;
  });

  shared.test("roles log in with SCRAM, MD5 and a clear password, or without any", async (server) => {
    for (const role of ["scram-sha-256", "md5", "password"]) {
      await assertLocks(urlOf(server, `${role}:secret`));
      await assertUnavailable(urlOf(server, `${role}:secret2`), WRONG_PASSWORD);
      await assertUnavailable(urlOf(server, role), NO_PASSWORD);
    }
    await assertLocks(urlOf(server, "trust"));
    await assertLocks(urlOf(server, "trust:secret"));
  });

  const REFUSED: [what: string, account: string, database: string, reason: RegExp][] = [
    ["a wrong password", "sera:notsecret", "sera", WRONG_PASSWORD],
    ["no password", "sera", "sera", NO_PASSWORD],
    ["an empty password", "sera:", "sera", NO_PASSWORD],
    ["an unknown role", "missing:secret", "sera", WRONG_PASSWORD],
    ["an unknown role that needs no password", "nobody", "sera", /: role "nobody" does not exist; check the role/],
    ["a role without a password", "no%20password:secret", "sera", WRONG_PASSWORD],
    ["a role whose password is too old", "expired:secret", "sera", WRONG_PASSWORD],
    [
      "a role without LOGIN",
      "no%20login:secret",
      "sera",
      /: role "no login" is not permitted to log in; check the role/,
    ],
    ["a role without LOGIN, for its cure", "no%20login:secret", "sera", NOT_LET_IN],
    [
      "a role without CONNECT",
      "sera:secret",
      "closed",
      /: permission denied for database "closed"; grant the role CONNECT on the database, or what else it lacks$/,
    ],
    [
      "a database that is not there",
      "sera:secret",
      "missing",
      /: database "missing" does not exist; create the database, or name another one in the server setting$/,
    ],
    ["a database for nobody", "sera:secret", "template", /: database "template" is not currently accepting conn/],
    ["a role that pg_hba.conf keeps out", "reject:secret", "sera", /: pg_hba\.conf rejects connection for host "127/],
    [
      "a role that pg_hba.conf keeps out, for its cure",
      "reject:secret",
      "sera",
      /; allow this user, database, address and encryption in pg_hba\.conf on the server/,
    ],
    [
      "a role without a free connection",
      "limited:secret",
      "sera",
      /: too many connections for role "limited"; raise max_connections or the role's limit, or/,
    ],
    [
      "a database without a free connection",
      "sera:secret",
      "crowded",
      /: too many connections for database "crowded"; raise max_connections or the role's limit/,
    ],
  ];
  for (const [what, account, database, reason] of REFUSED) {
    shared.test(`${what} is reported with a cure`, async (server) => {
      await assertUnavailable(urlOf(server, account, database), reason);
    });
  }

  shared.test("passwords may contain any character, however they are given", async (server) => {
    const folder = await Deno.makeTempDir({ prefix: "sera-passwords-" });
    try {
      for (const [user, password] of Object.entries(ODD_PASSWORDS)) {
        const passfile = `${folder}/${user}`;
        await Deno.writeTextFile(passfile, `*:*:*:*:${password.replace(/[\\:]/g, "\\$&")}\n`, { mode: 0o600 });
        const keywords = { host: "127.0.0.1", port: `${server.port}`, user, dbname: "sera" };
        const ways: [string, Env?][] = [
          [urlOf(server, `${user}:${encodeURIComponent(password)}`)],
          [pairs({ ...keywords, password })],
          [urlOf(server, user), { PGPASSWORD: password }],
          [pairs(keywords), { PGPASSFILE: passfile }],
        ];
        for (const [url, env] of ways) assert.equal((await ask(url, WHO, env)).user, user, `${user}: ${url}`);
        await assertUnavailable(urlOf(server, `${user}:${encodeURIComponent(password)}x`), WRONG_PASSWORD);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });

  shared.test("a password comes from the URL, from PGPASSWORD, or from a password file", async (server) => {
    await using folder = await Folder.make();
    const line = (password: string) => `127.0.0.1:${server.port}:sera:sera:${password}\n`;
    const right = await folder.write("right", line("secret"));
    const wrong = await folder.write("wrong", line("notsecret"));
    await folder.write(".pgpass", `# a comment\nelsewhere:*:*:*:notsecret\n${line("secret")}*:*:*:*:notsecret\n`);
    const url = urlOf(server, "sera");

    const givers: Env[] = [
      { PGPASSWORD: "secret" },
      { PGPASSFILE: right },
      { HOME: folder.path },
      { PGPASSWORD: "secret", PGPASSFILE: wrong },
      { PGPASSFILE: right, HOME: "/nonexistent" },
    ];
    for (const env of givers) await assertLocks(url, env);
    await assertLocks(`${url}?passfile=${right}`, { PGPASSFILE: wrong });
    await assertLocks(urlOf(server, "sera:secret"), { PGPASSWORD: "notsecret", PGPASSFILE: wrong });

    await assertUnavailable(url, WRONG_PASSWORD, { PGPASSWORD: "notsecret", PGPASSFILE: right });
    await assertUnavailable(url, WRONG_PASSWORD, { PGPASSFILE: wrong });
    await assertUnavailable(url, NO_PASSWORD, { HOME: "/nonexistent" });
    if (Deno.build.os === "windows") return;
    const NO_USE = /there is none; the password file "[^"]+" is ignored: group or others have access to it[^\n]+0600$/;
    await Deno.chmod(right, 0o640);
    await assertUnavailable(url, NO_USE, { PGPASSFILE: right });
    await Deno.chmod(`${folder.path}/.pgpass`, 0o604);
    await assertUnavailable(url, NO_USE, { HOME: folder.path });
    const other = await folder.write("other", "other:*:*:*:secret\n");
    await Deno.chmod(other, 0o600);
    await assertUnavailable(url, /there is none; no line of the password file matches the host/, { PGPASSFILE: other });
  });

  shared.test("a service file and libpq's variables may give the whole address", async (server) => {
    await using folder = await Folder.make();
    const { socketFolder } = server;
    const port = `${server.port}`;
    const service = (host: string) =>
      `# for tests\n[other]\nhost=/nonexistent\n[locks]\nhost=${host}\nport=${port}\n` +
      "user=sera\ndbname=sera\npassword=secret\napplication_name=from the service\n";
    const PGSERVICEFILE = await folder.write("services", service("127.0.0.1"));
    await folder.write(".pg_service.conf", service(socketFolder));
    const variables: Env = { PGPORT: port, PGUSER: "sera", PGPASSWORD: "secret", PGDATABASE: "sera" };
    const tcp = { user: "sera", database: "sera", client: "127.0.0.1" };
    const unix = { ...tcp, client: null };

    const settings: [string, Env, Record<string, unknown>][] = [
      ["postgres://", { PGSERVICEFILE, PGSERVICE: "locks" }, tcp],
      ["service=locks", { PGSERVICEFILE }, tcp],
      ["postgresql://?service=locks", { PGSERVICEFILE, PGPASSWORD: "notsecret" }, tcp],
      ["postgres://", { HOME: folder.path, PGSERVICE: "locks" }, unix],
      [`service=locks host=${socketFolder}`, { PGSERVICEFILE }, unix],
      ["postgres://", { ...variables, PGHOST: "127.0.0.1" }, tcp],
      ["postgres://", { ...variables, PGHOST: socketFolder }, unix],
      ["postgres://", { ...variables, PGHOST: "no-such-host.invalid", PGHOSTADDR: "127.0.0.1" }, tcp],
      ["postgres://127.0.0.1", { ...variables, PGHOST: socketFolder }, tcp],
      // The database's default is the user's name.
      ["host=127.0.0.1", { ...variables, PGDATABASE: "" }, tcp],
    ];
    for (const [url, env, expected] of settings) assert.deepEqual(await ask(url, WHO, env), expected, url);
    assert.deepEqual(
      await ask("service=locks", "SHOW application_name", { PGSERVICEFILE, PGAPPNAME: "from the variable" }),
      { application_name: "from the service" },
    );
  });

  shared.test("the server is reached over TCP, IPv6 and its socket, with the same locks", async (server) => {
    const { socketFolder, port } = server;
    const at = `postgres://sera:secret@`;
    const folder = encodeURIComponent(socketFolder);
    const urls: [string, RegExp][] = [
      [`${at}127.0.0.1:${port}/sera`, /^127\.0\.0\.1$/],
      [`${at}localhost:${port}/sera`, /^(127\.0\.0\.1|::1)$/],
      [`postgresql://sera:secret@/sera?host=127.0.0.1&port=${port}`, /^127\.0\.0\.1$/],
      [`${at}/sera?hostaddr=127.0.0.1&port=${port}`, /^127\.0\.0\.1$/],
      [`${at}no-such-host.invalid:${port}/sera?hostaddr=127.0.0.1`, /^127\.0\.0\.1$/],
      [`host=127.0.0.1 port=${port} user=sera password=secret dbname=sera`, /^127\.0\.0\.1$/],
      [`${at}${folder}:${port}/sera`, /^null$/],
      [`${at}/sera?host=${folder}&port=${port}`, /^null$/],
      [`host=${socketFolder} port=${port} user=sera password=secret`, /^null$/],
    ];
    if (server.ipv6) {
      urls.push([`${at}[::1]:${port}/sera`, /^::1$/], [`hostaddr=::1 port=${port} user=sera password=secret`, /^::1$/]);
    } else console.log("left out: IPv6, which this machine does not have");

    const name = freshName();
    await using holder = await openWith(server.url(), name);
    assert.ok(await holder.acquire(0, never));
    for (const [url, client] of urls) {
      assert.match(String((await ask(url, WHO)).client), client, url);
      await using other = await openWith(url, name);
      assert.equal(await other.acquire(0, never), undefined, url);
    }
  });

  shared.test("options, application_name and client_encoding take effect", async (server) => {
    const options = "options=-c%20work_mem%3D96kB%20-c%20search_path%3D%22one%5C%20two%22";
    assert.deepEqual(await ask(server.url(options), "SHOW work_mem"), { work_mem: "96kB" });
    assert.deepEqual(await ask(server.url(options), "SHOW search_path"), { search_path: '"one two"' });
    assert.deepEqual(await ask(server.url(), "SHOW work_mem", { PGOPTIONS: "-c work_mem=97kB" }), { work_mem: "97kB" });

    const name = async (params: string, env?: Env) =>
      (await ask(server.url(params), "SHOW application_name", env)).application_name;
    assert.equal(await name(""), "sera host:1 test");
    assert.equal(await name("", { PGAPPNAME: "by variable" }), "by variable");
    assert.equal(await name("application_name=by%20URL", { PGAPPNAME: "by variable" }), "by URL");
    assert.equal(await name("application_name=%C3%A9"), server.kind === "18" ? "\\xc3\\xa9" : "??");
    assert.deepEqual(
      await ask(server.url("client_encoding=LATIN1"), "SELECT 'é' AS letter", { PGCLIENTENCODING: "LATIN1" }),
      { letter: "é" },
    );
  });

  shared.test("the driver does not look up what the URL leaves empty", async (server) => {
    const env = { PGOPTIONS: "-c no_such=1", PGREPLICATION: "database", PGHOST: "no-such-host.invalid" };
    const run = (url: string) => sera(["--server", url, "0", "true"], { env });
    assert.deepEqual(await run(server.url("options=")), { code: 0, stdout: "", stderr: "" });
    assert.match((await run(server.url())).stderr, /: unrecognized configuration parameter "no_such"/);
  });

  shared.test("a setting that the server refuses is reported", async (server) => {
    await assertUnavailable(server.url("options=-c%20no_such%3D1"), /: unrecognized configuration parameter "no_such"/);
    await assertUnavailable(server.url("options=-c%20work_mem%3Dmuch"), /: invalid value for parameter "work_mem"/);
  });
}

Deno.test("a missing port, socket or host is reported with a cure", async () => {
  const port = freePort();
  const cases: [string, RegExp][] = [
    [
      `postgres://sera:secret@127.0.0.1:${port}/sera`,
      /tcp\(127\.0\.0\.1:\d+\): connection refused; check the address, and that the server/,
    ],
    [
      `postgres://sera:secret@localhost:${port}/sera`,
      /tcp\(localhost:\d+\): connection refused; check the address, and that the server/,
    ],
    [
      `host=/nonexistent port=${port} password=secret`,
      /unix\(\/nonexistent\/\.s\.PGSQL\.\d+\): no such socket; check the path, and that the/,
    ],
    ["postgres://sera:secret@no-such-host.invalid/sera", /\.invalid:5432\): (no such host|the name service does not)/],
  ];
  for (const [url, reason] of cases) {
    for (const sslmode of ["disable", "prefer", "require"]) {
      await assertUnavailable(url, reason, { PGSSLMODE: sslmode, PGUSER: "sera" });
    }
  }
});

Deno.test({
  name: "a server that accepts connections but stays silent ends the attempt after connect_timeout",
  fn: async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await assertGivenUp(listener.addr.port, ["disable", "allow", "prefer", "require"]);
  },
});

Deno.test({
  name: "a server that accepts no connection ends the attempt after connect_timeout, or at once when the signal fires",
  ignore: Deno.build.os !== "linux", // Others answer for a listener that is full.
  // An attempt that was given up ends when the kernel gives it up too.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    await using blackhole = await Blackhole.open();
    await assertGivenUp(blackhole.port, ["disable", "prefer"]);

    const abort = new AbortController();
    await using backend = await openWith(`postgres://sera:secret@127.0.0.1:${blackhole.port}/`, freshName());
    const before = blackhole.unanswered;
    const granted = later(backend.acquire(Infinity, abort.signal));
    await until("it asks for a connection", () => blackhole.unanswered > before);
    abort.abort(new Error("enough"));
    const began = performance.now();
    await assert.rejects(granted, { message: "enough" });
    assert.ok(performance.now() - began < HANG);
  },
});

/** Two seconds is the least that libpq knows. */
async function assertGivenUp(port: number, sslmodes: string[]): Promise<void> {
  await Promise.all(sslmodes.map(async (PGSSLMODE) => {
    const began = performance.now();
    await assertUnavailable(
      `postgres://sera:secret@127.0.0.1:${port}/sera?connect_timeout=1`,
      /: no answer within 2s; check the server and the network, or a pooler's log$/,
      { PGSSLMODE },
    );
    const took = performance.now() - began;
    assert.ok(took > 1990, `${PGSSLMODE} took ${took} ms`);
  }));
}

Deno.test({
  name: "a server that speaks another protocol, or hangs up, is reported",
  fn: async () => {
    for (const words of ["SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "N", "E", ""]) {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const served = (async () => {
        for await (const connection of listener) {
          await connection.write(new TextEncoder().encode(words)).catch(() => 0);
          connection.close();
        }
      })();
      for (const sslmode of ["disable", "allow", "prefer", "require"]) {
        const url = `postgres://sera:secret@127.0.0.1:${listener.addr.port}/sera?sslmode=${sslmode}`;
        await assertUnavailable(url, /: (the server|the program that answers there|TLS failed)[^\n]+$/);
      }
      listener.close();
      await served;
    }
  },
});

function urlOf({ port }: PostgresServer, account: string, database = "sera"): string {
  return `postgres://${account}@127.0.0.1:${port}/${database}`;
}

/** The settings as libpq's keywords, all of them quoted. */
function pairs(settings: Env): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}='${value.replace(/['\\]/g, "\\$&")}'`).join(" ");
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A folder with files that only we may read. */
class Folder implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async make(): Promise<Folder> {
    return new Folder(await Deno.makeTempDir({ prefix: "sera-login-" }));
  }

  async write(name: string, text: string): Promise<string> {
    const path = `${this.path}/${name}`;
    await Deno.writeTextFile(path, text, { mode: 0o600 });
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
