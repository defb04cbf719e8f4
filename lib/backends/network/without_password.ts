/** Parts of patterns for server settings that certainly contain no password. Strings, since few runs need to compile one. */

export const USER = "(?:[\\w.$-]+@)?";
const HOST = "(?:(?:[\\w.-]|%2F)*|\\[[\\w:.%]+\\])(?::\\d{1,5})?";
/** One host or several. */
export const HOSTS = `${HOST}(?:,${HOST})*`;
export const DATABASE = "[\\w.$-]*";
/** The name of a parameter whose value cannot be, or contain, a secret. */
export const NAME =
  "(?!\\w*(?:pass(?!file)|pwd|secret|scram|token|credential|key\\b(?<!sslkey)|options|attributes))[a-z_]\\w*";
export const QUERY = `(?:\\?(?:${NAME}=[^&@:%]*(?:&|$))*)?`;

/** A URL with one of these schemes: `mysql|mariadb`. */
export function urlWithoutPassword(schemes: string): string {
  return `^(?:${schemes})://${USER}${HOSTS}(?:/${DATABASE})?${QUERY}$`;
}
