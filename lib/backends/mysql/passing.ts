/** Which errors of MySQL, MariaDB, and what stands before them, may be gone a moment later. */

/**
 * By number.
 *
 * @see https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
 * @see https://mariadb.com/kb/en/mariadb-error-code-reference/
 */
const PASSING: ReadonlySet<number> = new Set([
  // The disk or a table is full; no memory, no thread; the name service does not answer.
  ...[1021, 1037, 1038, 1041, 1042, 1114, 1135],
  // Too many connections, locks, transactions; a user's limits.
  ...[1040, 1203, 1206, 1226, 1637],
  // A shutdown, and what ends with it. MySQL is offline, MariaDB has killed the connection, MySQL the session.
  ...[1053, 1077, 1079, 1080, 1152, 1184, 1927, 3032, 3169],
  // A node of a cluster that is not ready ("WSREP has not yet prepared node"); nobody else answers so to a statement.
  1047,
  // The network.
  ...[1158, 1159, 1160, 1161],
  // A lock or a deadlock, also among user locks.
  ...[1205, 1213, 3058, 3572],
  // A temporary error; a killed statement; a time limit on statements, or on an idle session.
  ...[1297, 1317, 1969, 3024, 4031],
  // Read-only for a moment, as in a switchover.
  ...[1290, 1792, 1836],
  // What a proxy says that cannot reach or has lost the server, with the numbers that clients have for it.
  ...[2002, 2003, 2005, 2006, 2013, 2055],
  // ProxySQL has no server for now; TiDB's store does not answer.
  ...[9001, 9002, 9003, 9004, 9005],
]);

/**
 * Whether the same request may succeed a moment later. A login that was refused never does: a server cannot say whether its
 * directory was away or the password is wrong, and to try a wrong one again and again locks accounts.
 *
 * @param errno The server's number of the error.
 */
export function mayPassOnMySql(errno: number): boolean {
  return PASSING.has(errno);
}
