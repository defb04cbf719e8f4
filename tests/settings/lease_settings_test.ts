/** `lease` and `lease-table`: what they take, where, and what of them reaches a backend. */

import assert from "node:assert/strict";
import { backendOptions } from "../../lib/commands/backend_options.ts";
import { ConfigError, UsageError } from "../../lib/errors.ts";
import { leasePlace } from "../../lib/settings/lease_place.ts";
import { refuseWithoutEffect, withoutEffect } from "../../lib/settings/without_effect.ts";
import {
  FILE,
  type Flags,
  type Given,
  MYSQL,
  MYSQL_WITH_DATABASE,
  POSTGRES,
  refusal,
  resolve,
  test,
  withFlags,
} from "./given.ts";

const io = { env: () => undefined, out: () => undefined, err: () => undefined };

/** The table for leases that a backend is given. */
async function tableOf(given: Given) {
  return backendOptions(await resolve(given), "label", io).leaseTable;
}

test("without --lease there is no lease, whatever table is named", async () => {
  const { lease, leaseTable } = await withFlags({}, POSTGRES);
  assert.deepEqual([lease, leaseTable], [false, { name: "sera_leases" }]);
  const none: Given[] = [
    {},
    { file: { "lease-table": "t" } },
    { env: { SERA_LEASE_TABLE: "t" } },
    { file: { lease: true }, flags: { lease: "false" } },
    { file: { lease: true }, env: { SERA_LEASE: "0" } },
  ];
  for (const given of none) {
    assert.equal(await tableOf({ ...given, file: { server: POSTGRES, ...given.file } }), undefined);
  }
});

test("lease is turned on by config file, variable or flag; the table may have a schema", async () => {
  const file = { server: POSTGRES };
  assert.deepEqual(await tableOf({ file: { ...file, lease: true } }), { name: "sera_leases" });
  assert.deepEqual(await tableOf({ file: { ...file, Lease: true } }), { name: "sera_leases" });
  assert.deepEqual(await tableOf({ file, env: { SERA_LEASE: "true" } }), { name: "sera_leases" });
  assert.deepEqual(await tableOf({ file, flags: { lease: "1" } }), { name: "sera_leases" });
  const table = { schema: "ops", name: "leases" };
  assert.deepEqual(await tableOf({ file: { ...file, lease: true, "lease-table": "ops.leases" } }), table);
  assert.deepEqual(await tableOf({ file, env: { SERA_LEASE: "1", SERA_LEASE_TABLE: "ops.leases" } }), table);
  assert.deepEqual(await tableOf({ file, flags: { lease: "true", "lease-table": "ops.leases" } }), table);
});

test("for lease and lease-table the flag wins over the variable, and the variable over the file", async () => {
  const file = { server: POSTGRES, lease: false, "lease-table": "f" };
  const env = { SERA_LEASE: "true", SERA_LEASE_TABLE: "v" };
  assert.equal(await tableOf({ file }), undefined);
  assert.deepEqual(await tableOf({ file, env }), { schema: undefined, name: "v" });
  assert.deepEqual(await tableOf({ file, env, flags: { "lease-table": "g" } }), { schema: undefined, name: "g" });
  assert.equal(await tableOf({ file, env, flags: { lease: "false" } }), undefined);
});

test("invalid values of lease and lease-table are refused by name", async () => {
  const expected: Record<string, RegExp> = {
    lease: /; it takes true or false$/,
    "lease-table": /; it takes (some text|a table or schema\.table, in up to 63 letters, digits and underscores each)$/,
  };
  const wrong: [setting: string, variable: string, values: string[]][] = [
    ["lease", "SERA_LEASE", ["perhaps", "on", "2"]],
    ["lease-table", "SERA_LEASE_TABLE", [".", "a.", ".a", "a.b.c", "a b", "a`b", 'a"b', "1a", "a;b", "t".repeat(64)]],
  ];
  for (const [setting, variable, values] of wrong) {
    for (const value of values) {
      const flag = await refusal({ flags: { server: POSTGRES, [setting]: value } });
      assert.equal(flag.kind, UsageError);
      assert.match(flag.message, expected[setting]!);
      assert.ok(flag.message.startsWith(`Cannot use --${setting}: ${value};`), flag.message);
      const inVariable = await refusal({ flags: { server: POSTGRES }, env: { [variable]: value } });
      assert.equal(inVariable.kind, ConfigError);
      assert.ok(inVariable.message.startsWith(`Cannot use ${variable}: ${value};`), inVariable.message);
    }
  }
  for (const [key, value] of [["lease", "true"], ["lease", 1], ["lease-table", true], ["lease-table", ""]] as const) {
    const { kind, message } = await refusal({ file: { server: POSTGRES, [key]: value } });
    assert.equal(kind, ConfigError);
    assert.match(message, expected[key]!);
  }
});

test("a lease is refused on a backend without leases, wherever it is set", async () => {
  const lacks = (source: string, server: string) =>
    `Cannot use ${source} with the server in ${server}: a file: server does not support leases; leave it out`;
  assert.deepEqual(await refusal({ flags: { server: FILE, lease: "true" } }), {
    kind: UsageError,
    message: lacks("--lease", "--server"),
  });
  assert.deepEqual(await refusal({ env: { SERA_SERVER: FILE, SERA_LEASE: "true" } }), {
    kind: ConfigError,
    message: lacks("SERA_LEASE", "SERA_SERVER"),
  });
  const { kind, message } = await refusal({ file: { lease: true } });
  assert.equal(kind, ConfigError);
  assert.match(
    message,
    /^Cannot use lease in (\S+\.json) with the server in \1: a file: server does not support leases; /,
  );
});

test("where each lock is a lease already, the setting is reported as unneeded, and the flag refused", async () => {
  const server = "etcd://sera:secret@h1,h2/";
  const flags = new Map(Object.entries({ server, lease: "true" }));
  const settings = await withFlags({ lease: "true" }, server);
  assert.throws(() => refuseWithoutEffect(settings, flags), (error) => {
    assert.ok(error instanceof UsageError);
    assert.equal(
      error.message,
      "Cannot use --lease: it has no effect, since the locks of etcd are always leases; leave it out",
    );
    return true;
  });
  const given = { file: { server, lease: true, "lease-table": "t" } };
  assert.deepEqual(withoutEffect(await resolve(given)).map(({ what }) => what.replace(/ in \S+ has/, " has")), [
    "lease has no effect here, since the locks of etcd are always leases",
    "lease-table has no effect here, since etcd does not keep leases in a table",
  ]);
  assert.deepEqual(withoutEffect(await resolve({ file: { server, lease: false } })), []);
});

test("a lease that is switched off needs nothing", async () => {
  for (const given of [{ flags: { lease: "false" } }, { env: { SERA_LEASE: "0" } }, { file: { lease: false } }]) {
    assert.equal((await resolve(given)).lease, false);
  }
  // Also where another setting is looked at.
  const flags = { lease: "false", "tls-ca": "/no/ca.pem" };
  assert.equal((await withFlags(flags)).lease, false);
});

test("a table for leases on a backend without them has no effect, with the backend's reason", async () => {
  const why = async (server: string) =>
    withoutEffect(await resolve({ file: { server, "lease-table": "t" } })).map(({ what }) =>
      what.replace(/ in \S+ has/, " has")
    );
  assert.deepEqual(await why(FILE), ["lease-table has no effect here, since a file: server does not support leases"]);
  assert.deepEqual(await why(POSTGRES), ["lease-table has no effect here, since leases are off"]);
});

test("on MySQL leases need a database, by the server setting or by the table's name", async () => {
  const lacking: Flags[] = [{ lease: "true" }, { lease: "true", "lease-table": "leases" }];
  for (const flags of lacking) {
    assert.deepEqual(await refusal({ flags: { server: MYSQL, ...flags } }), {
      kind: ConfigError,
      message: "Cannot keep leases: the server setting names no database for its table; add one after the slash, " +
        "user:password@tcp(host)/DATABASE, or set --lease-table DATABASE.sera_leases",
    });
  }
  assert.equal((await withFlags({}, MYSQL)).lease, false);
  assert.equal((await withFlags({ lease: "true" }, MYSQL_WITH_DATABASE)).lease, true);
  assert.equal((await withFlags({ lease: "true", "lease-table": "ops.leases" }, MYSQL)).lease, true);
  assert.equal((await withFlags({ lease: "true" }, POSTGRES)).lease, true);
});

test("leases and ledger are not kept in one table", async () => {
  const on = { server: POSTGRES, lease: "true", ledger: "true" };
  const said: [Given, string, unknown][] = [
    [
      { flags: { ...on, "lease-table": "sera_runs" } },
      "--lease-table: the table sera_runs already holds the ledger",
      UsageError,
    ],
    [
      { flags: on, env: { SERA_LEDGER_TABLE: "sera_leases" } },
      "SERA_LEDGER_TABLE: the table sera_leases already holds the leases",
      ConfigError,
    ],
    [
      { flags: { ...on, "lease-table": "ops.t", "ledger-table": "ops.t" } },
      "--lease-table: the table ops.t already holds the ledger",
      UsageError,
    ],
  ];
  for (const [given, what, kind] of said) {
    assert.deepEqual(await refusal(given), { kind, message: `Cannot use ${what}; name another table` });
  }
  const apart: Flags[] = [{ ledger: "false" }, { lease: "false" }, { "ledger-table": "ops.sera_runs" }];
  for (const off of apart) {
    assert.ok(await resolve({ file: { "lease-table": "sera_runs" }, flags: { ...on, ...off } }));
  }
});

test("several MySQL servers need leases, since each would keep its own locks", async () => {
  const refused = (source: string) =>
    `Cannot use the server in ${source}: it names several hosts, and each would keep its own locks; ` +
    "add --lease, or name one host";
  for (const server of ["sera:secret@tcp(h1,h2:3307)/jobs", "mariadb://sera:secret@h1,h2/jobs"]) {
    assert.deepEqual(await refusal({ flags: { server } }), { kind: ConfigError, message: refused("--server") });
    assert.deepEqual(await refusal({ env: { SERA_SERVER: server }, file: { lease: false } }), {
      kind: ConfigError,
      message: refused("SERA_SERVER"),
    });
    const off = await refusal({ file: { server, lease: true }, flags: { lease: "false" } });
    assert.match(off.message, /^Cannot use the server in \S+\.json: it names several hosts, /);
    assert.equal((await withFlags({ lease: "true" }, server)).server.offers.severalServers, true);
    assert.equal((await resolve({ file: { server, lease: true } })).lease, true);
  }
  const single = [FILE, MYSQL, "postgres://sera:secret@h1,h2/jobs", "sera:secret@unix(/a,/b)/jobs"];
  for (const server of single) assert.equal((await withFlags({}, server)).server.offers.severalServers, false);
});

test("a backend's `offers` agrees with the leases that it has", async () => {
  for (const server of [FILE, MYSQL, MYSQL_WITH_DATABASE, POSTGRES]) {
    const { server: { offers, leases } } = await withFlags({}, server);
    assert.equal(offers.leases, leases !== undefined, server);
  }
  const { server: files } = await withFlags({});
  assert.throws(() => leasePlace(files, { name: "t" }), {
    message: "Cannot keep leases: a file: server does not support leases; name another server, or leave --lease out",
  });
});
