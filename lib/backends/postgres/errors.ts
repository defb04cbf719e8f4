import type { PostgresHost } from "./server.ts";
import { isHostName } from "../network/address_text.ts";
import { messageOf, type Trouble, TroubleError } from "../../errors.ts";
import { isPlain, MAX_NAME_LENGTH, pathOr } from "../../text/redaction.ts";
import { CLOSED, describeNetworkError, isTransientNetworkError } from "../network/errors.ts";
import { poolerCure } from "./pooler_cures.ts";
import { isTransientPostgresState } from "./transient.ts";
import { serverWords } from "../network/server_words.ts";

/** A server that answers, but that sera cannot lock on. */
export class UnsuitableServerError extends TroubleError {}

/** A server that is not the primary now; it may become the primary in a failover. */
export class NotPrimaryError extends UnsuitableServerError {}

/** A standby, whose locks are not cluster-wide. */
export class StandbyError extends NotPrimaryError {}

/** The connection could not be encrypted. */
export class TlsError extends TroubleError {
  /**
   * @param offered Whether the server offers TLS at all.
   * @param brokenOff Whether the connection ended in the middle of it, as when the server stops, which is transient.
   */
  constructor({ what, cure }: Trouble, readonly offered = true, readonly brokenOff = false) {
    super(what, cure);
  }
}

/** The host's address, for messages; without user and password. */
export function whereIs({ address }: PostgresHost): string {
  if (address.transport === "unix") return `unix(${pathOr(address.path)})`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `tcp(${host}:${address.port})`;
}

/** The SQLSTATE of an error, five characters; undefined if the error is not the server's. */
export function sqlState(error: unknown): string | undefined {
  const { code, severity } = (error ?? {}) as { readonly code?: string; readonly severity?: string };
  return severity === undefined ? undefined : code;
}

/** Cures for the server's errors, by SQLSTATE; see "PostgreSQL Error Codes" in the manual. */
const CURES: Readonly<Record<string, string>> = {
  "25006": "connect to the primary, or turn default_transaction_read_only off for the role",
  "28000": "check the role (LOGIN) and pg_hba.conf on the server",
  "28P01": "check user and password, in the server setting or the password file",
  "3D000": "create the database, or name another one in the server setting",
  "22023": "correct options in the server setting",
  "42501": "grant the role CONNECT on the database, or what else it lacks",
  "42704": "correct options in the server setting",
  "55000":
    "name another database in the server setting, or let this one accept connections (ALTER DATABASE ... ALLOW_CONNECTIONS)",
  "53100": "free some space on the server",
  "53300": "raise max_connections or the role's limit, or run fewer at once",
  "57P05": "sera did not check it for longer than the ttl, as when it was suspended",
  "57P03": "wait until the server is up",
};

/**
 * Cures for a refused login (28000), by the server's message, which may be in another language and then matches none.
 */
const LOGIN_CURES: readonly (readonly [words: RegExp, cure: string])[] = [
  [/pg_hba\.conf/, "allow this user, database, address and encryption in pg_hba.conf on the server"],
  [/client certificate/, "name one with sslcert and sslkey"],
  [
    /^(peer|ident) authentication/i,
    "run sera as the system user of the role's name, or change pg_hba.conf on the server",
  ],
  [/authentication failed/, "check user and password, and see the server's log"],
];

/** The driver's messages for a connection that the server has closed. */
const CLOSED_WORDS = [
  "Connection terminated",
  "Connection terminated unexpectedly",
  "Client has encountered a connection error and is not queryable",
  "Client was closed and is not queryable",
];

/** Says briefly what failed and what to do. Never shows the password: neither the server nor the driver repeats it. */
export function describePostgresError(error: unknown): Trouble {
  if (error instanceof TroubleError) return error;
  const state = sqlState(error);
  const message = serverWords(messageOf(error));
  if (state !== undefined) {
    const cure = cureFor(state, message);
    return cure === undefined ? { what: message } : { what: withoutValues(message), cure };
  }
  if (CLOSED_WORDS.includes(message)) return CLOSED;
  // After the handshake the client's certificate is the only thing left that a server may refuse.
  if (message.startsWith("received fatal alert")) {
    return {
      what: `the server refuses the client's certificate: ${message}`,
      cure: "check sslcert, and see the server's log",
    };
  }
  return describeNetworkError(error) ?? { what: message };
}

function cureFor(state: string, message: string): string | undefined {
  if (state === "08P01") return poolerCure(message);
  if (state === "42501" && /\bfunction\b/.test(message)) return "grant the role EXECUTE on it";
  const known = state === "28000" ? LOGIN_CURES.find(([words]) => words.test(message)) : undefined;
  return known?.[1] ?? CURES[state];
}

/** Whether the same request may succeed a moment later. */
export function isTransientPostgresError(error: unknown): boolean {
  if (isTransientNetworkError(error) || CLOSED_WORDS.includes(messageOf(error))) return true;
  if (error instanceof TlsError) return error.brokenOff;
  const state = sqlState(error);
  return state !== undefined && isTransientPostgresState(state, messageOf(error));
}

/**
 * The same for a session that has logged in. Whatever ended it may not affect the next one, so a fatal error is
 * transient here; the next login decides.
 */
export function isTransientInSession(error: unknown): boolean {
  return endsSession(error) || isTransientPostgresError(error);
}

/** Whether the server ends the session with this error. */
export function endsSession(error: unknown): boolean {
  const { severity } = (error ?? {}) as { readonly severity?: string };
  return severity === "FATAL" || severity === "PANIC";
}

/**
 * Whether an error of one host ends the search for another: as in libpq, a refusal does, except by a server that starts or
 * stops (57P03). A lease is the same on all hosts, so for a lease the search goes on after every transient refusal, such as
 * that of a pooler whose server is down.
 */
export function isFinalRefusal(error: unknown, leased = false): boolean {
  const state = sqlState(error);
  return state !== undefined && state !== "57P03" && !(leased && isTransientPostgresError(error));
}

/** Hides quoted values other than plain names: the server repeats settings, and a misplaced one may be a secret. */
function withoutValues(message: string): string {
  return message.replace(
    /"([^"]*)"/g,
    (quoted, value: string) => isPlain(value, MAX_NAME_LENGTH) || isHostName(value) ? quoted : '"..."',
  );
}
