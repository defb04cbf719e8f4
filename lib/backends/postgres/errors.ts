import type { PostgresHost } from "./server.ts";
import { isHostName } from "../network/address_text.ts";
import { messageOf, type Trouble, TroubleError } from "../../errors.ts";
import { isPlain, LONGEST_NAME, pathOr } from "../../text/harmless.ts";
import { CLOSED, describeNetworkError, isTransientNetworkError } from "../network/errors.ts";
import { mayPassOnPostgres } from "./passing.ts";
import { serverWords } from "../network/server_words.ts";

/** A server that answers, but in no way that makes a connection to lock on. */
export class UnsuitableServerError extends TroubleError {}

/** A server that is not the primary now. Of several it may become that, when another one has failed. */
export class NotPrimaryError extends UnsuitableServerError {}

/** A standby, which would lock, but not for everybody. */
export class StandbyError extends NotPrimaryError {}

/** Encryption was asked for, and did not come about. */
export class TlsError extends TroubleError {
  /**
   * @param offered Whether the server has TLS at all.
   * @param brokenOff Whether the connection ended in the middle, as that of a server that stops, so that it may pass.
   */
  constructor({ what, cure }: Trouble, readonly offered = true, readonly brokenOff = false) {
    super(what, cure);
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
  "25006": "connect to the primary, or turn default_transaction_read_only off for the role",
  "28000": "check the role (LOGIN) and pg_hba.conf on the server",
  "28P01": "check user and password, in the server setting or the password file",
  "3D000": "create the database, or name another one in the server setting",
  "22023": "correct options in the server setting",
  "42501": "grant the role CONNECT on the database, or what else it lacks",
  "42704": "correct options in the server setting",
  "55000":
    "name another database in the server setting, or let this one accept connections (ALTER DATABASE ... ALLOW_CONNECTIONS)",
  "53100": "make room on the server",
  "53300": "raise max_connections or the role's limit, or run fewer at once",
  "57P05": "sera did not look at it for longer than the ttl, as when it was suspended",
  "57P03": "wait until the server is up",
};

const UNSUPPORTED = "a pooler refuses the setting; take it out of the server setting, or connect to the server itself";

/** What to do about a login that was refused (28000), by the server's words; in another language they are not known. */
const LOGIN_CURES: readonly (readonly [words: RegExp, cure: string])[] = [
  [/pg_hba\.conf/, "let pg_hba.conf on the server allow this user, database, address and encryption"],
  [/client certificate/, "name one with sslcert and sslkey"],
  [
    /^(peer|ident) authentication/i,
    "run sera as the system user of the role's name, or change pg_hba.conf on the server",
  ],
  [/authentication failed/, "check user and password, and see the server's log"],
];

/** How the driver tells of a connection that the server has closed. */
const CLOSED_WORDS = [
  "Connection terminated",
  "Connection terminated unexpectedly",
  "Client has encountered a connection error and is not queryable",
  "Client was closed and is not queryable",
];

/** Says in a few words what is wrong and what to do. Never holds the password: neither server nor driver repeat it. */
export function describePostgresError(error: unknown): Trouble {
  if (error instanceof TroubleError) return error;
  const state = sqlState(error);
  const message = serverWords(messageOf(error));
  if (state !== undefined) {
    const cure = cureFor(state, message);
    return cure === undefined ? { what: message } : { what: withoutValues(message), cure };
  }
  if (CLOSED_WORDS.includes(message)) return CLOSED;
  // After the handshake there is nothing else of ours that a server may refuse.
  if (message.startsWith("received fatal alert")) {
    return {
      what: `the server refuses the client's certificate: ${message}`,
      cure: "check sslcert, and see the server's log",
    };
  }
  return describeNetworkError(error) ?? { what: message };
}

function cureFor(state: string, message: string): string | undefined {
  if (state === "08P01" && message.startsWith("unsupported startup parameter")) return UNSUPPORTED;
  if (state === "42501" && /\bfunction\b/.test(message)) return "grant the role EXECUTE on it";
  const known = state === "28000" ? LOGIN_CURES.find(([words]) => words.test(message)) : undefined;
  return known?.[1] ?? CURES[state];
}

/** Whether the same request may succeed a moment later. */
export function isTransientPostgresError(error: unknown): boolean {
  if (isTransientNetworkError(error) || CLOSED_WORDS.includes(messageOf(error))) return true;
  if (error instanceof TlsError) return error.brokenOff;
  const state = sqlState(error);
  return state !== undefined && mayPassOnPostgres(state, messageOf(error));
}

/**
 * The same within a session. What ends one that had let us in says nothing about the next one: that is for the next login
 * to tell.
 */
export function isTransientInSession(error: unknown): boolean {
  const { severity } = error as { readonly severity?: string };
  return severity === "FATAL" || severity === "PANIC" || isTransientPostgresError(error);
}

/** What a server says of a login and of its settings repeats them, and who wrote them wrongly may have written a secret. */
function withoutValues(message: string): string {
  return message.replace(
    /"([^"]*)"/g,
    (quoted, value: string) => isPlain(value, LONGEST_NAME) || isHostName(value) ? quoted : '"..."',
  );
}
