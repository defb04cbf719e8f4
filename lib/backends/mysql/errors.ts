import type { MySqlDsn } from "./server.ts";
import { messageOf, type Trouble, TroubleError } from "../../errors.ts";
import { isPlain, MAX_NAME_LENGTH } from "../../text/redaction.ts";
import { isTransientMySqlErrno } from "./transient.ts";
import { shownAddress } from "../network/address.ts";
import { BROKEN_OFF, CLOSED, describeNetworkError, isTransientNetworkError } from "../network/errors.ts";
import { serverWords } from "../network/server_words.ts";

/** The driver's errors. */
interface DriverError {
  /** The server's error number. */
  readonly errno?: number;
  /** The system's or the driver's name for the error. */
  readonly code?: string;
  readonly message: string;
}

/** The server, or all of several, for messages; without user and password. */
export function whereIs({ addresses }: MySqlDsn): string {
  return `MySQL at ${addresses.map(shownAddress).join(", and at ")}`;
}

const VARIABLES = "check the session variables in the DSN: their values are SQL, such as sql_mode='ANSI'";

/** Cures for the server's errors, by number; see MySQL's and MariaDB's error references. */
const CURES: Readonly<Record<number, string>> = {
  1040: "raise max_connections, or run fewer at once",
  1044: "check the database's name, or grant the user access to it, or leave it out of the DSN",
  1045:
    "check user and password in the DSN, and from which hosts, with TLS or without, the server lets the user log in",
  1047: "wait until the node is back in its Galera cluster",
  1049: "create the database, or leave it out of the DSN",
  1064: VARIABLES,
  1129: "find out why connections from this host fail, then run FLUSH HOSTS on the server",
  1130: "allow this host to log in on the server",
  1193: "correct or remove the parameter in the DSN",
  1203: "raise max_user_connections, or run fewer at once",
  1226: "raise the user's limits on the server",
  1231: "correct the parameter in the DSN",
  1232: "correct the parameter in the DSN",
  1115: "correct charset in the DSN",
  1253: "correct collation in the DSN",
  1273: "correct collation in the DSN",
  1298: "correct the parameter in the DSN, or load the time zones into the server (mysql_tzinfo_to_sql)",
  1290: "name the primary, or make the server writable (read_only)",
  1792: "remove transaction_read_only from the DSN or the server's settings",
  1836: "name the primary, or make the server writable (innodb_read_only)",
};

/** What the driver's errors mean, by code. */
const MEANINGS: Readonly<Record<string, Trouble>> = {
  PROTOCOL_CONNECTION_LOST: CLOSED,
  HANDSHAKE_NO_SSL_SUPPORT: {
    what: "the server offers no TLS, which tls in the DSN requires: it has none, or something in between removes it",
    cure: "set up TLS on the server (ssl_cert, ssl_key), and check any proxy in between",
  },
  MYSQL_CLEAR_PASSWORD_NOT_ENABLED: {
    what: "the server asks for the password in clear text",
    cure: "if the connection is safe, add allowCleartextPasswords=true to the DSN",
  },
};

/** Server errors whose message already gives advice, by number: split into what failed and the cure. */
const ADVISING: Readonly<Record<number, Trouble>> = {
  1205: { what: "Lock wait timeout exceeded", cure: "try restarting transaction" },
  1213: { what: "Deadlock found when trying to get lock", cure: "try restarting transaction" },
};

/** The driver's messages, without a code, for a statement on a connection that has already ended. */
const CLOSED_WORDS = ["Can't add new command when connection is in closed state", "Can't write in closed state"];

/** Says briefly what failed and what to do. Never shows the password: neither the server nor the driver repeats it. */
export function describeMySqlError(error: unknown): Trouble {
  if (error instanceof TroubleError) return error;
  const { errno, code, message } = error as DriverError;
  const network = describeNetworkError(error);
  if (network !== undefined) return network;
  if (code !== undefined && MEANINGS[code] !== undefined) return MEANINGS[code];
  if (CLOSED_WORDS.includes(message)) return CLOSED;
  const plugin = /unknown plugin (\S+)\. See/.exec(message)?.[1];
  if (plugin !== undefined) {
    return {
      what: `the server asks for a kind of login that sera does not support: ${serverWords(plugin)}`,
      cure: "use an account with another kind of login",
    };
  }
  const advising = errno === undefined ? undefined : ADVISING[errno];
  if (advising !== undefined) return advising;
  // MariaDB takes a text without quotes for a column.
  const isUnquoted = errno === 1054 && message.endsWith("in 'SET'");
  const cure = errno === undefined ? undefined : isUnquoted ? VARIABLES : CURES[errno];
  const words = withoutUser(serverWords(messageOf(error))) || `error ${errno}`;
  return { what: words, cure };
}

/** Whether the same request may succeed a moment later. */
export function isTransientMySqlError(error: unknown): boolean {
  const { errno, code, message } = error as DriverError;
  if (isTransientNetworkError(error) || code === "PROTOCOL_CONNECTION_LOST") return true;
  if (CLOSED_WORDS.includes(message)) return true;
  // The connection ended during the TLS handshake, as when the server stops.
  if (code === "HANDSHAKE_SSL_ERROR") return BROKEN_OFF.test(message);
  return errno !== undefined && isTransientMySqlErrno(errno);
}

/** Whether the server could not read the statement: a proxy, or a kind of server, may know no semicolon. */
export function isParseError(error: unknown): boolean {
  return (error as DriverError).errno === 1064;
}

/** Hides a user that is not a plain name: in a DSN that is written wrongly, the "user" may contain the password. */
function withoutUser(message: string): string {
  return message.replace(
    /\buser '(.*)'@/,
    (all, user: string) => isPlain(user, MAX_NAME_LENGTH) ? all : "user '...'@",
  );
}
