import type { PostgresHost } from "../config/postgres/server.ts";
import { isHostName } from "../config/dsn_text.ts";
import { messageOf } from "../errors.ts";
import { isPlain, LONGEST_NAME, pathOr } from "../harmless.ts";
import { describeNetworkError, isTransientNetworkError } from "./network_errors.ts";
import { serverWords } from "./server_words.ts";

/** A server that answers, but in no way that makes a connection to lock on. */
export class UnsuitableServerError extends Error {}

/** A server that is not the primary now. Of several it may become that, when another one has failed. */
export class NotPrimaryError extends UnsuitableServerError {}

/** A standby, which would lock, but not for everybody. */
export class StandbyError extends NotPrimaryError {}

/** Encryption was asked for, and did not come about. */
export class TlsError extends Error {
  /** @param offered Whether the server has TLS at all. */
  constructor(message: string, readonly offered = true) {
    super(message);
  }
}

/** The host, for messages; without user and password. */
export function whereIs({ address }: PostgresHost): string {
  if (address.transport === "unix") return `unix(${pathOr(address.path)})`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `tcp(${host}:${address.port})`;
}

/** The server's code of an error, five characters; undefined when it is none of the server's. */
export function sqlState(error: unknown): string | undefined {
  const { code, severity } = (error ?? {}) as { readonly code?: string; readonly severity?: string };
  return severity === undefined ? undefined : code;
}

/** What to do about an error of the server, by its code. "PostgreSQL Error Codes" in the manual. */
const CURES: Readonly<Record<string, string>> = {
  "08P01": "a pooler refuses a setting; take it out of the server setting, or connect to the server itself",
  "25006": "turn default_transaction_read_only off for the role, or name the primary",
  "28000": "see to the role (LOGIN) and to pg_hba.conf on the server",
  "28P01": "check user and password, in the server setting or the password file",
  "3D000": "create the database, or name another one in the server setting",
  "22023": "correct options in the server setting",
  "42501": "grant the role CONNECT on the database, or what else it lacks",
  "42704": "correct options in the server setting",
  "55000": "let the database accept connections, or name another one in the server setting",
  "53100": "make room on the server",
  "53300": "raise max_connections or the role's limit, or let fewer wait at once",
  "57P03": "wait until the server is up",
};

/** How the driver tells of a connection that the server has closed. */
const CLOSED = [
  "Connection terminated unexpectedly",
  "Client has encountered a connection error and is not queryable",
  "Client was closed and is not queryable",
];

/** Says in a few words what is wrong and what to do. Never holds the password: neither server nor driver repeat it. */
export function describePostgresError(error: unknown): string {
  const state = sqlState(error);
  const message = serverWords(messageOf(error));
  if (state !== undefined) {
    const cure = CURES[state];
    return cure === undefined ? message : `${withoutValues(message)}; ${cure}`;
  }
  if (CLOSED.includes(message)) return "the server closed the connection; its log may say why";
  // After the handshake there is nothing else of ours that a server may refuse.
  if (message.startsWith("received fatal alert")) {
    return `the server refuses the client's certificate: ${message}; check sslcert and see the server's log`;
  }
  return describeNetworkError(error) ?? message;
}

/**
 * Errors that a moment later may be gone: a deadlock; too many connections; a statement that was cancelled or ran into a
 * time limit; a disk that is full, or no memory; a server that stops, crashes or starts.
 */
const TRANSIENT = new Set(["40001", "40P01", "53100", "53200", "53300", "55P03", "57014", "57P01", "57P02", "57P03"]);

/** Whether the same request may succeed a moment later. */
export function isTransientPostgresError(error: unknown): boolean {
  if (isTransientNetworkError(error) || CLOSED.includes(messageOf(error))) return true;
  return TRANSIENT.has(sqlState(error) ?? "");
}

/** What a server says of a login and of its settings repeats them, and who wrote them wrongly may have written a secret. */
function withoutValues(message: string): string {
  return message.replace(
    /"([^"]*)"/g,
    (quoted, value: string) => isPlain(value, LONGEST_NAME) || isHostName(value) ? quoted : '"..."',
  );
}
