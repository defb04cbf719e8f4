import type { Presence } from "../../lock/presence.ts";

/** The longest name that PostgreSQL keeps, in bytes (NAMEDATALEN - 1). */
const MAX_SIZE = 63;

/** How many characters of the host's name to keep, so that there is room for process and label. */
const MAX_HOST_LENGTH = 30;

/**
 * What an administrator sees of a session: host, process and label, for example `sera web1:4711 rotate-logs`. A label
 * that is a command's path is shown without its folder.
 */
export function applicationName({ host, pid, label, name }: Presence): string {
  const isPath = label !== name && /^(?:\.{0,2}|~)\/\S*$/.test(label);
  const word = isPath ? label.slice(label.lastIndexOf("/") + 1) : label;
  // The server would replace all but printable ASCII itself, but differently in each version.
  return `sera ${host.slice(0, MAX_HOST_LENGTH)}:${pid} ${word}`.replace(/[^ -~]/g, "?").slice(0, MAX_SIZE);
}
