import type { Presence } from "../../lock/presence.ts";

/** The longest name that PostgreSQL keeps, in bytes (NAMEDATALEN - 1). */
const LONGEST = 63;

/** How much of the host's name to keep, so that process and command are never cut off. */
const LONGEST_HOST = 30;

/**
 * What an administrator sees of a session: host, process and label, which for a command's first word goes without its
 * folder, for example `sera web1:4711 rotate-logs`.
 */
export function applicationName({ host, pid, label, name }: Presence): string {
  const isPath = label !== name && /^(?:\.{0,2}|~)\/\S*$/.test(label);
  const word = isPath ? label.slice(label.lastIndexOf("/") + 1) : label;
  // The server replaces what is not printable ASCII, in a way that depends on its version.
  return `sera ${host.slice(0, LONGEST_HOST)}:${pid} ${word}`.replace(/[^ -~]/g, "?").slice(0, LONGEST);
}
