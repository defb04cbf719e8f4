/** Which errors of PostgreSQL, and of a pooler before it, may be gone a moment later. */

/**
 * Classes of SQLSTATE whose errors may pass: the connection broke (08), a transaction was rolled back (40), something ran
 * out (53), an operator or a time limit ended a statement or a session, or the server stops or starts (57).
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const CLASSES = new Set(["08", "40", "53", "57"]);

/** Those of other classes that may pass: a transaction's time limits, a lock, the system's input and output. */
const CODES = new Set(["25P03", "25P04", "55006", "55P03", "58000", "58030"]);

/** Those of the classes that do not: a broken protocol, a violated constraint. */
const LASTING = new Set(["08P01", "40002"]);

/**
 * PgBouncer gives its own errors all the same code, so they are told apart by their words: limits, time limits, pauses, and
 * a server that it cannot reach. Not those of settings, names and passwords.
 */
const POOLER = new RegExp(
  "^(pgbouncer error: )?(" + [
    "no more connections allowed",
    "(client_login|query_wait|client_idle|suspend|query|idle[ _]transaction|transaction|connect)[ _]timeout",
    "server login has been failing(?!.*(authentication failed|does not exist))",
    "server (conn crashed|connection closed|DNS lookup failed|lifetime over|idle timeout|is shutting down)",
    "(pgbouncer )?cannot connect|connect failed|pause mode|admin forced disconnect|database (configuration changed|removed)",
    "bouncer resources exhaustion|out of memory|no memory|too many servers in the pool",
  ].join("|") + ")",
  "i",
);

/**
 * Whether the same request may succeed a moment later. A login that was refused never does: a server cannot say whether its
 * directory was away or the password is wrong, and to try a wrong one again and again locks accounts.
 *
 * @param state The server's SQLSTATE.
 * @param message Its words.
 */
export function mayPassOnPostgres(state: string, message: string): boolean {
  if (state === "08P01") return POOLER.test(message);
  return CODES.has(state) || CLASSES.has(state.slice(0, 2)) && !LASTING.has(state);
}
