/**
 * The cases of the Go driver's own tests: what it accepts means the same here, what it refuses is refused, and where sera
 * differs on purpose the reason stands beside the case.
 *
 * @see https://github.com/go-sql-driver/mysql/blob/master/dsn_test.go
 */

import assert from "node:assert/strict";
import { DsnError } from "../../../lib/backends/network/address_text.ts";
import { parseMySqlDsn } from "../../../lib/backends/mysql/dsn.ts";
import type { MySqlDsn } from "../../../lib/backends/mysql/server.ts";

const tcp = (host: string, port = 3306) => ({ transport: "tcp", host, port }) as const;
const unix = (path: string) => ({ transport: "unix", path }) as const;

/** The results that the driver's tests expect, in sera's terms. */
const ACCEPTED: readonly [dsn: string, expected: Partial<MySqlDsn>][] = [
  ["user@unix(/path/to/socket)/dbname?charset=utf8", {
    user: "user",
    password: "",
    addresses: [unix("/path/to/socket")],
    database: "dbname",
    charsets: ["utf8"],
  }],
  ["user:password@tcp(localhost:5555)/dbname?charset=utf8&tls=true", {
    user: "user",
    password: "password",
    addresses: [tcp("localhost", 5555)],
    charsets: ["utf8"],
    tls: "verify",
  }],
  ["user:password@tcp(localhost:5555)/dbname?charset=utf8mb4,utf8&tls=skip-verify", {
    addresses: [tcp("localhost", 5555)],
    charsets: ["utf8mb4", "utf8"],
    tls: "skip-verify",
  }],
  [
    "user:password@/dbname?loc=UTC&timeout=30s&readTimeout=1s&writeTimeout=1s&allowAllFiles=1&clientFoundRows=true&" +
    "allowOldPasswords=TRUE&collation=utf8mb4_unicode_ci&maxAllowedPacket=16777216&tls=false&" +
    "allowCleartextPasswords=true&parseTime=true&rejectReadOnly=true",
    {
      user: "user",
      password: "password",
      addresses: [tcp("127.0.0.1")],
      database: "dbname",
      collation: "utf8mb4_unicode_ci",
      tls: "off",
      allowCleartextPasswords: true,
      allowNativePasswords: true,
      connectTimeout: 30_000,
      readTimeout: 1000,
      writeTimeout: 1000,
      allowOldPasswords: true,
      maxAllowedPacket: 16_777_216,
      rejectReadOnly: true,
      sessionVariables: {},
    },
  ],
  [
    "user:password@/dbname?allowNativePasswords=false&checkConnLiveness=false&maxAllowedPacket=0&" +
    "allowFallbackToPlaintext=true",
    { allowFallbackToPlaintext: true, allowNativePasswords: false, maxAllowedPacket: undefined },
  ],
  ["user:p@ss(word)@tcp([de:ad:be:ef::ca:fe]:80)/dbname?loc=Local", {
    user: "user",
    password: "p@ss(word)",
    addresses: [tcp("de:ad:be:ef::ca:fe", 80)],
    database: "dbname",
  }],
  ["/dbname", { user: "", addresses: [tcp("127.0.0.1")], database: "dbname" }],
  ["/dbname%2Fwithslash", { database: "dbname/withslash" }],
  ["@/", { user: "", addresses: [tcp("127.0.0.1")], database: "" }],
  ["/", { addresses: [tcp("127.0.0.1")], database: "" }],
  ["", { addresses: [tcp("127.0.0.1")], database: "" }],
  ["user:p@/ssword@/", { user: "user", password: "p@/ssword", addresses: [tcp("127.0.0.1")], database: "" }],
  ["unix/?arg=%2Fsome%2Fpath.ext", {
    addresses: [unix("/tmp/mysql.sock")],
    sessionVariables: { arg: "/some/path.ext" },
  }],
  ["tcp(127.0.0.1)/dbname", { addresses: [tcp("127.0.0.1")], database: "dbname" }],
  ["tcp(de:ad:be:ef::ca:fe)/dbname", { addresses: [tcp("de:ad:be:ef::ca:fe")], database: "dbname" }],
  ["user:password@/dbname?loc=UTC&timeout=30s&parseTime=true&timeTruncate=1h", { connectTimeout: 30_000 }],
  [
    "foo:bar@tcp(192.168.1.50:3307)/baz?timeout=10s&" +
    "connectionAttributes=program_name:MySQLGoDriver%2FTest,program_version:1.2.3",
    {
      addresses: [tcp("192.168.1.50", 3307)],
      connectionAttributes: { program_name: "MySQLGoDriver/Test", program_version: "1.2.3" },
    },
  ],
  ["tcp(example.com:1234)/?tls=true", { addresses: [tcp("example.com", 1234)], tls: "verify" }],
  ["tcp(example.com)/?tls=true", { addresses: [tcp("example.com")], tls: "verify" }],
  ["/dbname?collation=gbk_chinese_ci&interpolateParams=false", { collation: "gbk_chinese_ci" }],
  ["/dbname?collation=gbk_chinese_ci", { collation: "gbk_chinese_ci" }],
  ["/dbname?collation=ascii_bin&interpolateParams=true", { collation: "ascii_bin" }],
  ["/dbname?collation=latin1_german1_ci&interpolateParams=true", { collation: "latin1_german1_ci" }],
  ["/dbname?collation=utf8_general_ci&interpolateParams=true", { collation: "utf8_general_ci" }],
  ["/dbname?collation=utf8mb4_general_ci&interpolateParams=true", { collation: "utf8mb4_general_ci" }],
  ["/dbname?interpolateParams=true&foobar=baz&quux=loo", { sessionVariables: { foobar: "baz", quux: "loo" } }],
  // Not in its tests, but by its code.
  ["@tcp/", { user: "", addresses: [tcp("127.0.0.1")] }],
  ["tcp()/", { addresses: [tcp("127.0.0.1")] }],
  ["(::1)/", { addresses: [tcp("::1")] }],
  ["tcp(::1:3307)/", { addresses: [tcp("::1:3307")] }],
  ["tcp([::1])/", { addresses: [tcp("::1")] }],
  ["unix(relative.sock)/", { addresses: [unix("relative.sock")] }],
  ["unix(/a b/(c)/d:e,f.sock)/", { addresses: [unix("/a b/(c)/d:e,f.sock")] }],
  ["u:p@unix(/a?b=c&d/e.sock)/f", { user: "u", password: "p", addresses: [unix("/a?b=c&d/e.sock")], database: "f" }],
  ["/%E4%BD%A0%20+%25", { database: "你 +%" }],
  ["/?maxAllowedPacket=+5", { maxAllowedPacket: 5 }],
];

for (const [dsn, expected] of ACCEPTED) {
  Deno.test(`the Go driver takes it: ${dsn || "(empty)"}`, () => {
    const actual = parseMySqlDsn(dsn);
    for (const [key, value] of Object.entries(expected)) {
      assert.deepEqual(actual[key as keyof MySqlDsn], value, key);
    }
  });
}

const REFUSED = [
  "@net(addr/",
  "@tcp(/",
  "tcp(/",
  "(/",
  "net(addr)//",
  "User:pass@tcp(1.2.3.4:3306)",
  "net()/",
  "user:pass@tcp(127.0.0.1:3306)/db/name",
  "user:password@/dbname?allowFallbackToPlaintext=PREFERRED",
  "user:password@/dbname?connectionAttributes=attr1:/unescaped/value",
  "User:password@tcp(localhost:5555)/dbname?serverPubKey=invalid_name",
  "User:password@tcp(localhost:5555)/dbname?tls=invalid_tls",
];

/** DSNs that the driver accepts and sera does not. */
const OURS = [
  // Networks that a Go program has registered, or that have no servers of MySQL.
  "username:password@protocol(address)/dbname?param=value",
  "username:password@protocol(address)/dbname?param=value&columnsWithAlias=true",
  "username:password@protocol(address)/dbname?param=value&columnsWithAlias=true&multiStatements=true",
  "tcp6([::1]:3306)/",
  // Keys and configurations that only a Go program can register.
  "User:password@tcp(localhost:5555)/dbname?serverPubKey=testKey",
  "User:password@tcp(localhost:5555)/dbname?tls=utils_test",
  // A port by the name of its service, and none after a colon.
  "tcp(localhost:mysql)/",
  "tcp(localhost:)/",
  // The driver times out before it has begun.
  "/?timeout=-1s",
  // What would be SQL in place of a variable's name.
  "/?a;b=1",
];

for (const dsn of [...REFUSED, ...OURS]) {
  Deno.test(`refused: ${dsn}`, () => assert.throws(() => parseMySqlDsn(dsn), DsnError));
}

Deno.test("settings that the driver refuses because of SQL parameters are accepted: sera has no such parameters", () => {
  const { collation } = parseMySqlDsn("/dbname?collation=gbk_chinese_ci&interpolateParams=true");
  assert.equal(collation, "gbk_chinese_ci");
});
