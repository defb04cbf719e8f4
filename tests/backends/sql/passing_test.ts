/** What may pass is waited out, and what never passes by itself ends the wait at once: over all that servers can say. */

import assert from "node:assert/strict";
import { LockUnavailableError } from "../../../lib/errors.ts";
import { isTransientMySqlErrno } from "../../../lib/backends/mysql/transient.ts";
import { isTransientMySqlError } from "../../../lib/backends/mysql/errors.ts";
import { isTransientPostgresState } from "../../../lib/backends/postgres/transient.ts";
import { isTransientInSession, isTransientPostgresError, TlsError } from "../../../lib/backends/postgres/errors.ts";
import { answerOf, FAKE_MYSQL, FAKE_POSTGRES } from "../fake_sessions.ts";
import { ServerError } from "../fake_server.ts";
import { FakeMySql } from "../mysql/fake_server.ts";
import { FakePostgres } from "../postgres/fake_server.ts";
import { freshName, never, open } from "../open.ts";

/** Each class of SQLSTATE in PostgreSQL's `errcodes.txt`, one code of it or several, and whether they pass. */
const STATES: Readonly<Record<string, readonly [passing: string, permanent: string]>> = {
  "01 warning": ["", "01000"],
  "02 no data": ["", "02000"],
  "03 statement not yet complete": ["", "03000"],
  "08 connection": ["08000 08001 08003 08004 08006 08007", "08P01"],
  "09 trigger": ["", "09000"],
  "0A not supported": ["", "0A000"],
  "0B transaction initiation": ["", "0B000"],
  "0F locator": ["", "0F000"],
  "0L grantor": ["", "0L000 0LP01"],
  "0P role": ["", "0P000"],
  "0Z diagnostics": ["", "0Z000"],
  "20 case": ["", "20000"],
  "21 cardinality": ["", "21000"],
  "22 data, also a setting's value": ["", "22000 22021 22023"],
  "23 constraint": ["", "23000 23505"],
  "24 cursor": ["", "24000"],
  "25 transaction state": ["25P03 25P04", "25000 25001 25006 25P02"],
  "26 statement name": ["", "26000"],
  "27 triggered change": ["", "27000"],
  "28 login: wrong password, role, pg_hba.conf": ["", "28000 28P01"],
  "2B dependent privileges": ["", "2B000"],
  "2D transaction termination": ["", "2D000"],
  "2F routine": ["", "2F000"],
  "34 cursor name": ["", "34000"],
  "38 external routine": ["", "38000"],
  "39 invocation": ["", "39000"],
  "3B savepoint": ["", "3B000"],
  "3D no such database": ["", "3D000"],
  "3F schema": ["", "3F000"],
  "40 rollback": ["40000 40001 40003 40P01", "40002"],
  "42 access, syntax, unknown setting": ["", "42000 42501 42601 42704 42883 42P01"],
  "44 check option": ["", "44000"],
  "53 resources": ["53000 53100 53200 53300 53400", ""],
  "54 limits": ["", "54000 54001"],
  "55 state of an object": ["55006 55P03", "55000 55P02 55P04"],
  "57 operator": ["57000 57014 57P01 57P02 57P03 57P04 57P05", ""],
  "58 system": ["58000 58030", "58P01 58P02"],
  "72 snapshot": ["", "72000"],
  "F0 configuration file": ["", "F0000 F0001"],
  "HV foreign data": ["", "HV000"],
  "P0 PL/pgSQL, as in a login trigger": ["", "P0000 P0001"],
  "XX internal": ["", "XX000 XX001 XX002"],
};

const codes = (column: 0 | 1) => Object.values(STATES).flatMap((all) => all[column].split(" ")).filter(Boolean);

Deno.test("each class of SQLSTATE is transient or permanent as in the table", () => {
  for (const state of codes(0)) assert.equal(isTransientPostgresState(state, "words"), true, state);
  for (const state of codes(1)) assert.equal(isTransientPostgresState(state, "words"), false, state);
});

Deno.test("an error that ends a PostgreSQL session is transient; one that refuses a login is not", () => {
  for (const state of [...codes(0), ...codes(1)]) {
    const error = { code: state, severity: "FATAL", message: "words" };
    assert.equal(isTransientInSession(error), true, state);
    assert.equal(isTransientPostgresError(error), codes(0).includes(state), state);
    const mild = { ...error, severity: "ERROR" };
    assert.equal(isTransientInSession(mild), codes(0).includes(state), state);
  }
});

/** What PgBouncer says with its one code. */
const POOLER: readonly [words: string, passes: boolean][] = [
  ["no more connections allowed (max_client_conn)", true],
  ["query_wait_timeout", true],
  ["client_login_timeout (server down)", true],
  ["client_login_timeout", true],
  ["client_idle_timeout", true],
  ["query timeout", true],
  ["idle transaction timeout", true],
  ["server login has been failing, try again later (server_login_retry)", true],
  ["server login has been failing, cached error: connect failed", true],
  ["server login has been failing, cached error: FATAL: password authentication failed for user", false],
  ["server conn crashed?", true],
  ["server shutting down", true],
  ["obsolete connection", true],
  ["unclean server", true],
  ["connect string changed", true],
  ["server DNS lookup failed", true],
  ["pgbouncer cannot connect to server", true],
  ["database configuration changed", true],
  ["bouncer resources exhaustion", true],
  ["bouncer config error", false],
  ["unsupported startup parameter: options", false],
  ["no such database: x", false],
  ["no such user", false],
  ["password authentication failed", false],
  ["SASL authentication failed", false],
  ["TLS required", false],
  ['database "x" is disabled', false],
];

Deno.test("PgBouncer's errors are classified by their text", () => {
  for (const [words, passes] of POOLER) assert.equal(isTransientPostgresState("08P01", words), passes, words);
});

/** Errors of MySQL, MariaDB, ProxySQL and TiDB that pass. */
const PASSING_NUMBERS = [
  1020,
  1021,
  1037,
  1038,
  1040,
  1041,
  1042,
  1047,
  1053,
  1077,
  1079,
  1080,
  1114,
  1135,
  1152,
  1158,
  1159,
  1160,
]
  .concat([1161, 1184, 1203, 1205, 1206, 1213, 1226, 1290, 1297, 1317, 1637, 1792, 1836, 1927, 1969, 2002, 2003, 2005])
  .concat([2006, 2013, 2055, 3024, 3032, 3058, 3100, 3101, 3169, 3572, 4031, 9001, 9002, 9003, 9004, 9005]);

/** Logins, databases, privileges, names, settings, blocked hosts, expired or locked accounts, TLS required. */
const LASTING_NUMBERS = [1043, 1044, 1045, 1049, 1064, 1094, 1115, 1129, 1130, 1142, 1143, 1146, 1193, 1227, 1231, 1232]
  .concat([1251, 1253, 1273, 1275, 1298, 1305, 1524, 1698, 1820, 1862, 3057, 3118, 3159, 3955, 4151, 4163, 9006]);

Deno.test("each error number of MySQL and MariaDB is transient or permanent as listed", () => {
  const passing = Array.from({ length: 10_000 }, (_, errno) => errno).filter(isTransientMySqlErrno);
  assert.deepEqual(passing, PASSING_NUMBERS.toSorted((a, b) => a - b));
  assert.deepEqual(LASTING_NUMBERS.filter(isTransientMySqlErrno), []);
});

/** Codes of the system, the runtime and the driver. */
const SYSTEM: readonly [codes: string, passes: boolean][] = [
  ["ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT EHOSTUNREACH EHOSTDOWN ENETUNREACH ENETDOWN ENETRESET", true],
  ["ENOTFOUND EAI_AGAIN ENOENT EAGAIN ENOBUFS EADDRNOTAVAIL UNKNOWN", true],
  ["EACCES EPERM EMFILE ENOMEM EINVAL ERR_TLS_CERT_ALTNAME_INVALID", false],
];

Deno.test("network errors are transient; those of a local firewall or a missing permission are not", () => {
  for (const [list, passes] of SYSTEM) {
    for (const code of list.split(" ")) {
      for (const error of [{ code }, { errors: [{ code }, { code }] }]) {
        assert.equal(isTransientMySqlError({ message: "", ...error }), passes, code);
        assert.equal(isTransientPostgresError({ message: "", ...error }), passes, code);
      }
    }
  }
});

Deno.test("interrupted TLS is transient, refused TLS is not", () => {
  const words = [["read ECONNRESET", true], ["received fatal alert: BadCertificate", false], ["unknown issuer", false]];
  for (const [message, passes] of words) {
    assert.equal(isTransientMySqlError({ code: "HANDSHAKE_SSL_ERROR", message }), passes, `${message}`);
  }
  assert.equal(isTransientPostgresError(new TlsError({ what: "TLS failed" })), false);
  assert.equal(isTransientPostgresError(new TlsError({ what: "TLS failed" }, true, true)), true);
});

/** An error at every statement of a session in turn, from the first of its set-up to the look after the lock. */
for (const kind of [FAKE_MYSQL, FAKE_POSTGRES]) {
  const [passing, permanent] = kind === FAKE_MYSQL ? [1317, 1045] : ["57014", "42501"];
  const fake = (answer: Parameters<typeof startFake>[1]) => startFake(kind.name, answer);

  Deno.test(`a transient error is waited out at any statement on ${kind.name}`, async () => {
    let statements = 2;
    for (let failing = 0; failing < statements; failing++) {
      let count = 0;
      using server = fake((sql) => count++ === failing ? new ServerError(passing, "it passes") : answerOf(kind, sql));
      await using backend = await open(server.setting, freshName());
      const lock = await backend.acquire(60_000, never);
      assert.ok(lock, `statement ${failing}`);
      statements = Math.max(statements, count - failing - 1);
      await lock.release();
    }
  });

  Deno.test(`with a wait of 0 a transient error ends the attempt on ${kind.name}`, async () => {
    let asked = 0;
    using server = fake((sql) => {
      if (!sql.includes(kind === FAKE_MYSQL ? "GET_LOCK" : "pg_try_advisory_lock")) return answerOf(kind, sql);
      asked++;
      return new ServerError(passing, "it passes");
    });
    await using backend = await open(server.setting, freshName());
    await assert.rejects(backend.acquire(0, never), LockUnavailableError);
    assert.equal(asked, 1);
  });

  Deno.test(`a permanent error ends the wait at once on ${kind.name}`, async () => {
    let asked = 0;
    using server = fake((sql) => {
      if (!sql.includes(kind === FAKE_MYSQL ? "GET_LOCK" : "pg_try_advisory_lock")) return answerOf(kind, sql);
      asked++;
      return new ServerError(permanent, "it lasts");
    });
    await using backend = await open(server.setting, freshName());
    await assert.rejects(backend.acquire(Infinity, never), LockUnavailableError);
    assert.equal(asked, 1);
  });
}

Deno.test("a PostgreSQL server that cannot fork answers in plain text, and is retried", async () => {
  const told: string[] = [];
  let frames = 0;
  const words = new TextEncoder().encode(
    "Ecould not fork new process for connection: Resource temporarily unavailable\n\0",
  );
  using server = new FakePostgres((sql) => answerOf(FAKE_POSTGRES, sql), (frame) => frames++ === 0 ? words : frame);
  await using backend = await open(server.url, freshName(), undefined, {
    retrying: ({ message }) => told.push(message),
  });
  const lock = await backend.acquire(60_000, never);
  assert.ok(lock);
  await lock.release();
  assert.equal(told.length, 1);
  assert.match(told[0]!, /: the server cannot start a process for the connection; see its log$/);
});

function startFake(name: string, answer: ConstructorParameters<typeof FakeMySql>[0]) {
  const server = name === "MySQL" ? new FakeMySql(answer) : new FakePostgres(answer);
  const setting = server instanceof FakeMySql ? server.dsn : server.url;
  return { setting, [Symbol.dispose]: () => server[Symbol.dispose]() };
}
