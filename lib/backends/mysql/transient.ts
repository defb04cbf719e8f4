/** Which errors of MySQL, MariaDB and proxies in front of them are transient. */

/**
 * By number.
 *
 * @see https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
 * @see https://mariadb.com/kb/en/mariadb-error-code-reference/
 */
const TRANSIENT: ReadonlySet<number> = new Set([
  // Disk or table full; out of memory or threads; the name service does not answer.
  ...[1021, 1037, 1038, 1041, 1042, 1114, 1135],
  // Too many connections, locks or transactions; a user's limits.
  ...[1040, 1203, 1206, 1226, 1637],
  // Shutdown, and connections that it ends; 1927: MariaDB killed the connection; 3032: MySQL is in offline mode; 3169:
  // MySQL killed the session.
  ...[1053, 1077, 1079, 1080, 1152, 1184, 1927, 3032, 3169],
  // "Unknown command", which for a plain statement means a Galera node that is not ready or outside of the primary
  // component ("WSREP has not yet prepared node").
  1047,
  // The network.
  ...[1158, 1159, 1160, 1161],
  // Lock timeouts and deadlocks, including those of user locks. A Galera node says 1213 when another node was first.
  ...[1205, 1213, 3058, 3572],
  // Another session, or 3101 another member of a group, has changed the row first; 3100: the member is leaving its group.
  ...[1020, 3100, 3101],
  // Temporary error; killed statement; time limits of statements and of idle sessions.
  ...[1297, 1317, 1969, 3024, 4031],
  // Read-only, as for a moment during a switchover.
  ...[1290, 1792, 1836],
  // Client error numbers, sent by a proxy that cannot reach or has lost its server.
  ...[2002, 2003, 2005, 2006, 2013, 2055],
  // ProxySQL has no server available; TiDB's storage does not answer.
  ...[9001, 9002, 9003, 9004, 9005],
]);

/**
 * Whether the same request may succeed a moment later. A refused login is not transient: the server does not say
 * whether its directory was unreachable or the password is wrong, and retrying a wrong password locks accounts.
 *
 * @param errno The server's error number.
 */
export function isTransientMySqlErrno(errno: number): boolean {
  return TRANSIENT.has(errno);
}
