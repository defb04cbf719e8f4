/**
 * The data source name of the Go MySQL driver, which is how a sera config names its server:
 * `[user[:password]@][net[(address)]]/database[?key=value&…]`.
 *
 * Whatever the Go driver accepts means the same here; each exception is noted in the code. In addition, several
 * addresses are accepted: `tcp(host:port,host:port)`.
 *
 * @see https://github.com/go-sql-driver/mysql#dsn-data-source-name
 * @module
 */

import {
  cut,
  DsnError,
  percentDecode,
  type Show,
  showAddress,
  showNothing,
  showQuoted,
} from "../network/address_text.ts";
import { parseAddresses, parseNetwork } from "./address.ts";
import { type Parameters, parseParameters } from "./parameters.ts";
import type { MySqlDsn } from "./server.ts";

const URL_FORM = /^(?:mysql|mariadb):\/\/(.*)$/is;
/**
 * A network and address of the Go driver before the last slash. Such a DSN is Go's even if it starts like a URL: the
 * user `mysql` may have a password that starts with two slashes.
 */
const GO_FORM = /@(?:tcp|unix)?(?:\([^@]*\))?\/[^/]*$/s;

/**
 * Reads a MySQL server string: a Go DSN, or, if it cannot be one, the URL form
 * `mysql://user:password@host:port,host:port/database?key=value` (also `mariadb://`), whose user and password are
 * percent-decoded.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseMySqlDsn } from "./dsn.ts";
 *
 * assert.equal(parseMySqlDsn("sera:secret@tcp(db.example.org:3306)/?timeout=500ms").connectTimeout, 500);
 * ```
 *
 * @throws {DsnError} If the text is no DSN, or a part of it has an invalid value.
 */
export function parseMySqlDsn(dsn: string): MySqlDsn {
  const url = URL_FORM.exec(dsn);
  return url && !GO_FORM.test(dsn) ? parseUrlForm(url[1]!) : parseGoForm(dsn);
}

function parseGoForm(dsn: string): MySqlDsn {
  const slash = dsn.lastIndexOf("/");
  if (slash < 0 && dsn !== "") {
    throw new DsnError(
      "Cannot read the MySQL DSN: the slash before the database is missing",
      "write user:password@tcp(host:port)/database, or postgres:// or etcd:// before the host of another server",
    );
  }
  const left = dsn.slice(0, Math.max(slash, 0));
  const right = dsn.slice(slash + 1);
  const at = left.lastIndexOf("@");
  const [user, password] = cut(left.slice(0, Math.max(at, 0)), ":");
  // An @ after the last slash may end a password that holds a slash; a colon without an @ may start a password. Then no
  // message may show any of it.
  const show = right.includes("@") || (at < 0 && left.includes(":")) ? showNothing : showQuoted;
  const addresses = parseNetwork(left.slice(at + 1), show === showNothing ? showNothing : showAddress);
  return { user, password: password ?? "", addresses, ...parseDatabaseAndParameters(right, show) };
}

/** Reads what follows `mysql://`. Messages never show the authority: any part of it may belong to the password. */
function parseUrlForm(text: string): MySqlDsn {
  const [, authority = "", path = ""] = /^([^/?#]*)(.*)$/s.exec(text) ?? [];
  const at = authority.lastIndexOf("@");
  if (path.includes("#") || (at < 0 && path.includes("@"))) {
    throw new DsnError(
      "Cannot read the MySQL URL: it has a # or a misplaced @",
      "write / ? # @ in a user, password or value as %2F %3F %23 %40",
    );
  }
  // An @ may begin the name of a session variable. Any other may end a password that holds a slash, and what was read
  // as the host is then part of that password.
  if (path.replace(/[?&]@@?\w/g, "").includes("@")) {
    throw new DsnError(
      "Cannot read the MySQL URL: an @ is not directly before the host",
      "write those in a password as %40",
    );
  }
  const right = path.startsWith("/") ? path.slice(1) : path;
  if (cut(right, "?")[0].includes("/")) {
    throw new DsnError("Cannot read the MySQL URL: the database name contains a slash", "write it as %2F");
  }
  const [user, password] = cut(authority.slice(0, Math.max(at, 0)), ":").map(decodeCredential);
  const addresses = parseAddresses(authority.slice(at + 1), showNothing);
  return {
    user: user ?? "",
    password: password ?? "",
    addresses,
    ...parseDatabaseAndParameters(right, showQuoted),
  };
}

function decodeCredential(text: string | undefined): string {
  const decoded = percentDecode(text ?? "");
  if (decoded !== undefined) return decoded;
  throw new DsnError(
    "Cannot decode the user or password of the MySQL URL: a percent escape is invalid",
    "write % as %25",
  );
}

function parseDatabaseAndParameters(text: string, show: Show): Parameters & Pick<MySqlDsn, "database"> {
  const [encoded, query] = cut(text, "?");
  const database = percentDecode(encoded);
  if (database === undefined) {
    throw new DsnError(
      `Cannot decode the database of the MySQL DSN: ${show(encoded, "it")} has an invalid percent escape`,
      "write % as %25",
    );
  }
  return { database, ...parseParameters(query ?? "", show) };
}
