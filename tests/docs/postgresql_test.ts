/** The server and the pooler that docs/postgresql.md sets up. */

import assert from "node:assert/strict";
import { linux, testWith, tool } from "../cli/needs.ts";
import { Place } from "../cli/place.ts";
import { pgBouncerUnavailable, startPgBouncer } from "../servers/pgbouncer.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../servers/postgres_system.ts";
import { examples, fileExample, page } from "./markdown.ts";

const PAGE = page("docs/postgresql.md");

/** The settings of an INI file, by name. */
function settingsIn(ini: string): Record<string, string> {
  return Object.fromEntries([...ini.matchAll(/^(\w+) = (.*)$/gm)].map(([, name, value]) => [name, value!]));
}

/** Makes the page's certificates in a folder, for this machine's name and by this user. */
async function certify(place: Place): Promise<void> {
  const { text } = examples(PAGE).find(({ text }) => text.includes("openssl req"))!;
  const here = text.replace("/etc/postgresql", place.path).replaceAll("db.example.com", "localhost")
    .replace(/^chown .*\n/m, "");
  assert.equal((await place.shell(`set -e; ${here}`)).code, 0);
}

const needs = [linux ?? systemPostgresUnavailable, tool("openssl", "version")];

testWith(
  needs,
  "docs/postgresql.md: its CA and certificate make a server that doctor has nothing to say of",
  async () => {
    await using stack = new AsyncDisposableStack();
    const place = stack.use(await Place.make());
    await certify(place);
    const { listen_addresses, ssl_cert_file, ssl_key_file } = settingsIn(
      fileExample("/etc/postgresql/15/main/conf.d/network.conf", PAGE),
    );
    assert.equal(listen_addresses, "'*'");
    const here = (path: string) => place.file(/^'\/etc\/postgresql\/(\S+)'$/.exec(path)![1]!);
    const [, hba] = /^ {4}(hostssl .*)$/m.exec(PAGE.text)!;
    assert.match(hba!, / 10\.0\.0\.0\/8 /);
    const server = stack.use(
      await startSystemPostgres({
        tls: { cert: here(ssl_cert_file!), key: here(ssl_key_file!) },
        // Without TLS there is no access.
        hba: ["127.0.0.1/32", "::1/128"].flatMap((host) => [
          hba!.replace("10.0.0.0/8", host),
          `host all all ${host} reject`,
        ]),
      }),
    );
    const url = (query: string) =>
      `postgres://${server.user}:${server.password}@localhost:${server.port}/postgres?${query}`;
    const [, query] = /^`\?(sslmode=verify-full&sslrootcert=\/\S+)`/m.exec(PAGE.text)!;
    const verified = url(query!.replace("/etc/ssl/db-ca.pem", place.file("ca.crt")));
    const { code, stdout } = await place.sera(["doctor", "--server", verified]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^pass +tls +in use \(sslmode=verify-full\)/m);
    assert.doesNotMatch(stdout, /^(fail|warn) /m);
    const { stderr } = await place.sera(["--server", url("sslmode=disable"), "0", "true"]);
    assert.match(stderr, /pg_hba\.conf rejects connection .* no encryption; allow this user/);
  },
);

testWith(
  [...needs, pgBouncerUnavailable],
  "docs/postgresql.md: behind its PgBouncer a command outlives a restart of the server",
  async () => {
    await using stack = new AsyncDisposableStack();
    const place = stack.use(await Place.make());
    await certify(place);
    const server = stack.use(await startSystemPostgres({ extraArgs: ["--fsync=on"] }));
    const { listen_addr: _1, listen_port: _2, auth_file: _3, postgres: _4, ...settings } = settingsIn(
      fileExample("/etc/pgbouncer/pgbouncer.ini", PAGE),
    );
    // The pooler starts in the foreground here, as another user.
    const {
      logfile: _5,
      pidfile: _6,
      unix_socket_dir: _7,
      pool_mode,
      server_login_retry,
      client_tls_sslmode,
      ...others
    } = settings;
    assert.deepEqual([pool_mode, server_login_retry, client_tls_sslmode], ["transaction", "1", "require"]);
    // Hence also these.
    for (const name of ["server.crt", "server.key"]) await Deno.chmod(place.file(name), 0o644);
    await Deno.chmod(place.path, 0o755);
    const here = Object.entries(others).map(([name, value]) => [name, value.replace("/etc/pgbouncer", place.path)]);
    const pooler = stack.use(
      await startPgBouncer(server, "transaction", {
        server_login_retry,
        // The test's own questions come without TLS.
        client_tls_sslmode: "allow",
        ...Object.fromEntries(here),
      }),
    );
    const url = pooler.url(`sslmode=verify-full&sslrootcert=${place.file("ca.crt")}`).replace("127.0.0.1", "localhost");
    const node = stack.use(await Place.make(url, { SERA_LEASE: "true", SERA_LEDGER: "true" }));
    const { code, stdout } = await node.sera(["doctor"]);
    assert.equal(code, 0, stdout);
    assert.doesNotMatch(stdout, /^(fail|warn) /m);
    // So long that a server on any machine is back in time.
    const flags = ["--verbose", "--ttl", "90s", "--grace", "1s", "--name", "n", "0"];
    await using holder = node.startSera([...flags, "sh", "-c", "echo ready; read -r _; exit 7"], {
      stdin: "open",
    });
    await holder.says("ready");
    await server.restart();
    await holder.closeStdin();
    const ended = await holder.ended;
    assert.deepEqual([ended.code, ended.stderr], [7, ""]);
  },
);
