/** Which errors of PostgreSQL, and of a pooler in front of it, are transient. */

/**
 * SQLSTATE classes of transient errors: the connection broke (08), a transaction was rolled back (40), a resource ran
 * out (53), an operator or a time limit ended a statement or a session, or the server stops or starts (57).
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const CLASSES = new Set(["08", "40", "53", "57"]);

/** Transient errors of other classes: a transaction's time limits, a lock, the system's input and output. */
const CODES = new Set(["25P03", "25P04", "55006", "55P03", "58000", "58030"]);

/** Permanent errors of the transient classes: a protocol violation, a violated constraint. */
const PERMANENT = new Set(["08P01", "40002"]);

/**
 * PgBouncer gives all its own errors the same code, so they are recognized by their messages. These are transient:
 * limits, time limits, pauses, and a server that it cannot reach. Those about settings, names and passwords are not.
 */
const POOLER = new RegExp(
  "^(pgbouncer error: )?(" + [
    "no more connections allowed",
    "(client_login|query_wait|client_idle|suspend|query|idle[ _]transaction|transaction|connect)[ _]timeout",
    "server login has been failing(?!.*(authentication failed|does not exist))",
    "server (conn crashed|connection closed|DNS lookup failed|lifetime over|idle timeout|(is )?shutting down)",
    "obsolete connection|unclean server|idle server got dirty|connect string changed",
    "(pgbouncer )?cannot connect|connect failed|pause mode|admin forced disconnect|database (configuration changed|removed)",
    "bouncer resources exhaustion|out of memory|no memory|too many servers in the pool",
  ].join("|") + ")",
  "i",
);

/**
 * Whether the same request may succeed a moment later. A refused login is not transient: the server does not say
 * whether its directory was unreachable or the password is wrong, and retrying a wrong password locks accounts.
 *
 * @param state The error's SQLSTATE.
 * @param message The error's message.
 */
export function isTransientPostgresState(state: string, message: string): boolean {
  if (state === "08P01") return POOLER.test(message);
  return CODES.has(state) || CLASSES.has(state.slice(0, 2)) && !PERMANENT.has(state);
}
