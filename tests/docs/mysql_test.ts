/** The server that docs/mysql.md sets up for TLS, and what its rights show. */

import assert from "node:assert/strict";
import { linux, testWith, tool } from "../cli/needs.ts";
import { Place } from "../cli/place.ts";
import { mariaDbUnavailable, startMariaDb } from "../servers/mariadb.ts";
import { examples, fileExample, page } from "./markdown.ts";

const MYSQL = page("docs/mysql.md");
const NETWORK = fileExample("/etc/mysql/mariadb.conf.d/99-network.cnf", MYSQL);

testWith(
  [linux ?? mariaDbUnavailable, tool("openssl", "version")],
  "docs/mysql.md: its certificate, settings and rights make a server that doctor has nothing to say of",
  async () => {
    await using stack = new AsyncDisposableStack();
    const place = stack.use(await Place.make());
    const here = (text: string) =>
      text.replaceAll("/etc/mysql", place.path).replaceAll("db.example.com", "localhost").replace(/^chown .*\n/m, "");
    const { text } = examples(MYSQL).find(({ text }) => text.includes("openssl req"))!;
    assert.equal((await place.shell(`set -e; ${here(text)}`)).code, 0);
    const set = (name: string) => new RegExp(`^${name} = (.*)$`, "m").exec(here(NETWORK))![1]!;
    const cert = set("ssl_cert");
    const server = stack.use(
      await startMariaDb({
        tls: { cert, key: set("ssl_key"), ca: cert },
        extraArgs: [`--bind-address=${set("bind-address")}`, "--performance-schema=ON"],
      }),
    );
    const [grant] = /^GRANT SELECT ON performance_schema.*(?=;)/m.exec(MYSQL.text.replaceAll(/^ {4}/gm, ""))!;
    await server.query("CREATE USER 'sera'@'%' IDENTIFIED BY 'secret'");
    await server.query(grant!);
    const dsn = `sera:secret@tcp(localhost:${server.port})/?timeout=5s&tls=true`;
    const { code, stdout } = await place.sera(["doctor", "--server", dsn, "--tls-ca", `${place.path}/server.crt`]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^pass +tls +in use \(tls=true\)/m);
    assert.match(stdout, /^pass +visibility +sera status can list all locks/m);
    assert.doesNotMatch(stdout, /^(fail|warn) /m);
  },
);
