/** The longest name that PostgreSQL keeps, in bytes (NAMEDATALEN - 1). */
const LONGEST = 63;

/** How much of the host's name to keep, so that process and command are never cut off. */
const LONGEST_HOST = 30;

/**
 * What an administrator sees of a session: host, process and the command's first word without its folder, for example
 * `sera web1:4711 rotate-logs`. The other words stay away, for they may hold secrets.
 */
export function applicationName(host: string, pid: number, command: string): string {
  const word = command.slice(command.lastIndexOf("/") + 1);
  // The server replaces what is not printable ASCII, in a way that depends on its version.
  return `sera ${host.slice(0, LONGEST_HOST)}:${pid} ${word}`.replace(/[^ -~]/g, "?").slice(0, LONGEST);
}
