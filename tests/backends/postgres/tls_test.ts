/** Encrypted connections to PostgreSQL, with certificates of every kind. What is expected is what libpq does. */

import assert from "node:assert/strict";
import { sera } from "../../cli/program.ts";
import { ConfigError } from "../../../lib/errors.ts";
import { assertTrustsNamedOnly } from "../network/other_authorities.ts";
import { failure } from "../open.ts";
import { type Certificates, makeCertificates, type ServerCertificate } from "../../servers/certificates.ts";
import { postgres18Unavailable, startPostgres18 } from "../../servers/postgres18.ts";
import type { PostgresServer, PostgresTls } from "../../servers/postgres_process.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../../servers/postgres_system.ts";
import { ask, assertLocks, assertUnavailable } from "./ask.ts";
import { type Env, parsePostgres } from "../parse.ts";
import { sharedPostgres, SharedServer } from "../shared_server.ts";

const SSLMODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
const HOSTS = ["127.0.0.1", "localhost", "[::1]"] as const;
type Host = typeof HOSTS[number];

const HOW = "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

/** Roles that may log in with encryption only, or without only; databases that want a certificate. */
const HBA = [
  "hostssl certified all all cert",
  "hostssl both all all scram-sha-256 clientcert=verify-full",
  "hostssl signed all all scram-sha-256 clientcert=verify-ca",
  "hostssl all encrypted all scram-sha-256",
  "host all encrypted all reject",
  "hostnossl all plain all scram-sha-256",
  "host all plain all reject",
];
const PREPARE = `
  CREATE ROLE encrypted LOGIN PASSWORD 'secret';
  CREATE ROLE plain LOGIN PASSWORD 'secret'`;

const folder = Deno.makeTempDirSync({ prefix: "sera-tls-" });
let certificates: Certificates;

Deno.test.beforeAll(async () => {
  await Deno.mkdir(`${folder}/certificates`);
  certificates = await makeCertificates(`${folder}/certificates`);
});
Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

const SERVERS = [
  ["PostgreSQL with TLS", systemPostgresUnavailable, startSystemPostgres],
  ["PostgreSQL 18 with TLS", postgres18Unavailable, startPostgres18],
] as const;
const [secure, secure18] = SERVERS.map(([label, missing, start]) =>
  new SharedServer(label, missing, async () => {
    const server = await start({ hba: HBA, tls: shown("good") });
    await server.query(PREPARE);
    for (const database of ["certified", "both", "signed"]) await server.query(`CREATE DATABASE "${database}"`);
    return server;
  })
) as [SharedServer<PostgresServer>, SharedServer<PostgresServer>];
const plain = sharedPostgres();

type Kind = "good" | "addressOnly" | "nameOnly" | "otherName" | "expired" | "untrusted";

/** A server's certificate; those of clients are always accepted from the same authority. */
function shown(kind: Kind): PostgresTls {
  const { cert, key }: ServerCertificate = certificates[kind];
  return { cert, key, ca: certificates.ca };
}

/** Makes the server show another certificate from now on. */
function show(server: PostgresServer, kind: Kind): Promise<void> {
  return server.reload({ tls: shown(kind) });
}

function reachable(server: PostgresServer): Host[] {
  return HOSTS.filter((host) => host !== "[::1]" || server.ipv6);
}

function urlOf({ port }: PostgresServer, host: string, params: string, account = "sera", database = "sera"): string {
  return `postgres://${account}:secret@${host}:${port}/${database}?${params}`;
}

async function assertEncrypted(url: string, env?: Env, tlsCa?: string): Promise<void> {
  const { ssl, version } = await ask(url, HOW, env, tlsCa);
  assert.equal(ssl, "t", url);
  assert.match(String(version), /^TLSv1\.[23]$/);
}

async function assertPlain(url: string, env?: Env, tlsCa?: string): Promise<void> {
  assert.deepEqual(await ask(url, HOW, env, tlsCa), { ssl: "f", version: null }, url);
}

const NO_MATCH =
  /: TLS failed: the server's certificate is for [-\w., ]+, not for [\w.:]+; connect by a name that it holds/;

/** Certificates, whether the CA signed them, their hosts, and the messages for other hosts. */
const VERIFIED: [Kind, boolean, readonly Host[], RegExp][] = [
  ["good", true, HOSTS, /./],
  ["addressOnly", true, ["127.0.0.1"], NO_MATCH],
  ["nameOnly", true, ["localhost"], NO_MATCH],
  ["otherName", true, [], NO_MATCH],
  [
    "expired",
    false,
    [],
    /: TLS failed: the server.s certificate, or one that signed it, has expired \(\d{4}-\d\d-\d\d\); renew it/,
  ],
  [
    "untrusted",
    false,
    [],
    /: TLS failed: no trusted CA signed .+; name the CA that signed it \(sslrootcert\)/,
  ],
];

for (const shared of [secure, secure18]) {
  for (const [kind, isSigned, hosts, reason] of VERIFIED) {
    shared.test(`sslmode accepts or refuses a certificate correctly: ${kind}`, async (server) => {
      await show(server, kind);
      const { ca } = certificates;
      for (const host of reachable(server)) {
        const accept = { "verify-ca": isSigned, "verify-full": hosts.includes(host), require: isSigned };
        for (const [sslmode, isAccepted] of Object.entries(accept)) {
          const url = urlOf(server, host, `sslmode=${sslmode}&sslrootcert=${ca}`);
          if (isAccepted) await assertEncrypted(url);
          else {
            await assertUnavailable(url, reason);
          }
        }
        // Without a root certificate nothing is verified.
        for (const sslmode of ["require", "prefer"]) {
          await assertEncrypted(urlOf(server, host, `sslmode=${sslmode}`));
          await assertEncrypted(urlOf(server, host, `sslmode=${sslmode}`, "encrypted"));
        }
        for (const sslmode of ["disable", "allow"]) {
          await assertPlain(urlOf(server, host, `sslmode=${sslmode}&sslrootcert=${ca}`));
        }
        // With one even prefer and allow encrypt only with a verified server; but they need not encrypt.
        const preferred = urlOf(server, host, `sslmode=prefer&sslrootcert=${ca}`);
        if (isSigned) await assertEncrypted(preferred);
        else await assertPlain(preferred);
        for (const sslmode of ["prefer", "allow"]) {
          const url = urlOf(server, host, `sslmode=${sslmode}&sslrootcert=${ca}`, "encrypted");
          if (isSigned) await assertEncrypted(url);
          else await assertUnavailable(url, /: TLS failed: /);
        }
      }
    });
  }

  shared.test("prefer and allow find out what pg_hba.conf requires", async (server) => {
    await show(server, "good");
    const at = (account: string, sslmode: string) => urlOf(server, "127.0.0.1", `sslmode=${sslmode}`, account);
    for (const sslmode of ["allow", "prefer", "require"]) await assertEncrypted(at("encrypted", sslmode));
    for (const sslmode of ["disable", "allow", "prefer"]) await assertPlain(at("plain", sslmode));
    await assertEncrypted(at("sera", ""));
    await assertEncrypted(at("encrypted", ""));
    await assertPlain(at("plain", ""));

    const rejected = (how: string) =>
      new RegExp(
        `: pg_hba\\.conf rejects connection for host "127\\.0\\.0\\.1".+, ${how}; allow this user, database, address and encryption in pg_hba`,
      );
    await assertUnavailable(at("encrypted", "disable"), rejected("no encryption"));
    await assertUnavailable(at("plain", "require"), rejected("SSL encryption"));
    await assertUnavailable(
      urlOf(server, "127.0.0.1", `sslmode=verify-full&sslrootcert=${certificates.ca}`, "plain"),
      rejected("SSL encryption"),
    );
  });

  shared.test("after two attempts the error of the encrypted one is reported", async (server) => {
    const failed = /127\.0\.0\.1:\d+\): password authentication failed for user "(sera|encrypted)"; check [^;]+$/;
    for (const account of ["sera", "encrypted"]) {
      for (const sslmode of ["allow", "prefer"]) {
        await assertUnavailable(
          urlOf(server, "127.0.0.1", `sslmode=${sslmode}&password=notsecret`, account),
          failed,
        );
      }
    }
    await assertUnavailable(
      urlOf(server, "127.0.0.1", "sslmode=prefer&password=notsecret", "plain"),
      /pg_hba\.conf rejects connection .+ SSL encryption; allow this user, |password authentication failed/,
    );
  });

  shared.test("the root certificate comes from the URL, tls-ca, PGSSLROOTCERT, or the home folder", async (server) => {
    await show(server, "otherName");
    const { ca, untrusted: { ca: wrong } } = certificates;
    const [home, wrongHome] = [await makeHome({ "root.crt": ca }), await makeHome({ "root.crt": wrong })];
    const url = (params: string) => urlOf(server, "127.0.0.1", `sslmode=require${params}`);
    const givers: [string, Env?, string?][] = [
      [`&sslrootcert=${ca}`],
      ["", { PGSSLROOTCERT: ca }],
      ["", { HOME: home }],
      ["", {}, ca],
      [`&sslrootcert=${ca}`, { PGSSLROOTCERT: wrong }],
      ["", { PGSSLROOTCERT: wrong }, ca],
      ["", { PGSSLROOTCERT: ca, HOME: wrongHome }],
    ];
    for (const [params, ...rest] of givers) await assertEncrypted(url(params), ...rest);

    const misgivers: [string, Env?, string?][] = [
      [`&sslrootcert=${wrong}`, { PGSSLROOTCERT: ca }],
      ["", { PGSSLROOTCERT: ca }, wrong],
      ["", { PGSSLROOTCERT: wrong, HOME: home }],
      ["", { HOME: wrongHome }],
    ];
    for (const [params, ...rest] of misgivers) {
      await assertUnavailable(url(params), /: TLS failed: .+\(sslrootcert\)/, ...rest);
    }
    // It is what makes the other two modes possible, too.
    await assertEncrypted(urlOf(server, "127.0.0.1", "sslmode=verify-ca"), { HOME: home });
    await assertUnavailable(urlOf(server, "127.0.0.1", "sslmode=verify-full"), NO_MATCH, { HOME: home });
  });

  shared.test("a client sends its certificate if the server requests it", async (server) => {
    await show(server, "good");
    const { client, otherClient, ca } = certificates;
    const of = ({ cert, key }: typeof client) => `&sslcert=${cert}&sslkey=${key}`;
    const home = await makeHome({ "postgresql.crt": client.cert, "postgresql.key": client.key });
    const otherHome = await makeHome({ "postgresql.crt": otherClient.cert, "postgresql.key": otherClient.key });
    for (const database of ["certified", "both", "signed"]) {
      const url = (params = "", account?: string) =>
        urlOf(server, "127.0.0.1", `sslmode=verify-full&sslrootcert=${ca}${params}`, account, database);
      await assertEncrypted(url(of(client)));
      await assertEncrypted(url(), { HOME: home });
      await assertEncrypted(url(), { PGSSLCERT: client.cert, PGSSLKEY: client.key });
      await assertEncrypted(url(of(client)), { HOME: otherHome });
      await assertLocks(url(of(client)));

      const none = /: connection requires a valid client certificate; name one with sslcert and sslkey$/;
      await assertUnavailable(url(), none);
      await assertUnavailable(url("&sslcertmode=disable"), none, { HOME: home });
      // The second one where the connection's end overtakes the reason.
      const bad = /: (the server refuses the client's certificate: .+; check sslcert|the server closed the connection)/;
      await assertUnavailable(url(of(otherClient)), bad);
      await assertUnavailable(url(), bad, { HOME: otherHome });
      if (database === "signed") await assertEncrypted(url(of(client), "encrypted"));
      else if (database === "both") {
        await assertUnavailable(url(of(client), "encrypted"), /: certificate authentication failed|password auth/);
      } else await assertUnavailable(url(of(client), "encrypted"), /: certificate authentication failed for user "enc/);
    }
    // A server that does not want one may be shown it.
    await assertEncrypted(urlOf(server, "127.0.0.1", `sslmode=require${of(client)}`));
  });

  shared.test("hostaddr is the address to connect to, and host the name in the certificate", async (server) => {
    await show(server, "nameOnly");
    const settings = `hostaddr=127.0.0.1 port=${server.port} user=sera password=secret sslmode=verify-full ` +
      `sslrootcert=${certificates.ca}`;
    await assertEncrypted(`${settings} host=localhost`);
    await assertUnavailable(`${settings} host=other.example`, /127\.0\.0\.1:\d+\): TLS failed: /);
    await show(server, "otherName");
    await assertEncrypted(`${settings} host=other.example`);
    await assertUnavailable(`${settings} host=localhost`, NO_MATCH);
    await assert.rejects(parsePostgres(settings), ConfigError);
  });

  shared.test("a lock over TLS is held and released", async (server) => {
    await show(server, "good");
    await assertLocks(urlOf(server, "localhost", `sslmode=verify-full&sslrootcert=${certificates.ca}`, "encrypted"));
  });

  shared.test("an unusable TLS file is reported with its path", async (server) => {
    await show(server, "good");
    const bad = `${folder}/bad.pem`;
    await Deno.writeTextFile(bad, "nothing\n", { mode: 0o600 });
    const missing = urlOf(server, "127.0.0.1", "sslmode=verify-full&sslrootcert=/nonexistent/root.crt");
    await assert.rejects(parsePostgres(missing), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /\/nonexistent\/root\.crt/);
      return true;
    });
    for (
      const params of [
        `sslmode=verify-ca&sslrootcert=${bad}`,
        `sslmode=require&sslcert=${bad}&sslkey=${certificates.client.key}`,
      ]
    ) {
      const error = await failure(urlOf(server, "127.0.0.1", params));
      assert.ok(error instanceof ConfigError);
      assert.match(
        error.message,
        /^Cannot use the (CA file|client's certificate): .+bad\.pem: it contains no certificate in /,
      );
    }
  });
}

secure18.test("sslnegotiation=direct encrypts from the first byte", async (server) => {
  const { ca } = certificates;
  await show(server, "good");
  for (const sslmode of ["require", `verify-ca&sslrootcert=${ca}`, `verify-full&sslrootcert=${ca}`]) {
    await assertEncrypted(urlOf(server, "127.0.0.1", `sslnegotiation=direct&sslmode=${sslmode}`));
  }
  await assertLocks(urlOf(server, "localhost", "sslnegotiation=direct&sslmode=require", "encrypted"));
  await show(server, "expired");
  await assertUnavailable(
    urlOf(server, "127.0.0.1", `sslnegotiation=direct&sslmode=verify-ca&sslrootcert=${ca}`),
    /: TLS failed: /,
  );
});

secure.test("sslnegotiation=direct is refused by a server before version 17", async (server) => {
  await assertUnavailable(
    urlOf(server, "127.0.0.1", "sslnegotiation=direct&sslmode=require"),
    /: TLS failed: [^;]+; see the server's log; before version 17 a server takes no sslnegotiation=direct$/,
  );
});

secure.test("no variable makes the program trust another CA than the one that sslrootcert names", async (server) => {
  const { ca, untrusted } = certificates;
  for (const sslmode of ["verify-full", "verify-ca", "require"]) {
    const url = urlOf(server, "127.0.0.1", `sslmode=${sslmode}&sslrootcert=${ca}`, "encrypted");
    await assertTrustsNamedOnly(["--server", url], untrusted.ca, async (whose) => {
      await show(server, whose === "named" ? "good" : "untrusted");
    });
  }
});

secure.test("the program trusts the CA that tls-ca or the URL names, or one of the system", async (server) => {
  await show(server, "good");
  const { ca } = certificates;
  const url = (params: string) => urlOf(server, "127.0.0.1", params, "encrypted");
  const run = (server: string, args: string[] = [], env: Record<string, string> = {}) =>
    sera(["--server", server, ...args, "0", "true"], { env });
  const fine = { code: 0, stdout: "", stderr: "" };

  assert.deepEqual(await run(url("sslmode=verify-full"), ["--tls-ca", ca]), fine);
  assert.deepEqual(await run(url(`sslmode=verify-full&sslrootcert=${ca}`)), fine);
  const system = url("sslrootcert=system");
  assert.deepEqual(await run(system, [], { DENO_TLS_CA_STORE: "system", SSL_CERT_FILE: ca }), fine);

  const refused = await run(system);
  assert.equal(refused.code, 202);
  assert.match(refused.stderr, /^[^\n]*TLS failed: [^\n]+\n$/);
  assert.doesNotMatch(refused.stderr, /secret/);
});

plain.test("a server without TLS is refused where sslmode requires it", async (server) => {
  const { ca } = certificates;
  for (const sslmode of ["require", "verify-ca", "verify-full"] as const) {
    const url = urlOf(server, "localhost", `sslmode=${sslmode}`);
    const noTls = new RegExp(
      `: the server offers no TLS, which sslmode=(${sslmode}|verify-ca \\(or require with sslrootcert\\)) requires: it has none, or something in between ` +
        "removes it; set ssl=on on the server \\(client_tls_sslmode on PgBouncer\\), and check any proxy in between$",
    );
    await assertUnavailable(url, noTls, {}, ca);
    if (sslmode === "require") await assertUnavailable(url, noTls);
  }
});

plain.test("a server without TLS is used in plain text where sslmode allows it", async (server) => {
  for (const sslmode of SSLMODES.slice(0, 3)) {
    await assertPlain(urlOf(server, "127.0.0.1", `sslmode=${sslmode}`));
    await assertLocks(urlOf(server, "127.0.0.1", `sslmode=${sslmode}`), {}, certificates.ca);
  }
  await assertLocks(server.url());
});

plain.test("a Unix socket has no TLS, and needs none", async ({ socketFolder, port }) => {
  for (const sslmode of SSLMODES) {
    await assertPlain(`host=${socketFolder} port=${port} user=sera password=secret sslmode=${sslmode}`);
  }
});

/** A home folder with files for PostgreSQL. */
async function makeHome(files: Readonly<Record<string, string>>): Promise<string> {
  const home = await Deno.makeTempDir({ dir: folder, prefix: "home-" });
  await Deno.mkdir(`${home}/.postgresql`);
  for (const [name, source] of Object.entries(files)) {
    await Deno.writeTextFile(`${home}/.postgresql/${name}`, await Deno.readTextFile(source), { mode: 0o600 });
  }
  return home;
}
