import type { ServerVariables } from "./topology.ts";

/** Whether a session can hold several named locks: since MySQL 5.7.5 and MariaDB 10.0.2. */
export function holdsSeveral(variables: ServerVariables): boolean {
  const version = variables.get("version") ?? "";
  const [, ...numbers] = /^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  const isMariaDb = /mariadb/i.test(`${version} ${variables.get("version_comment") ?? ""}`);
  const [major = 0, minor = 0, patch = 0] = numbers.map(Number);
  const least = isMariaDb ? [10, 0, 2] as const : [5, 7, 5] as const;
  return (major - least[0] || minor - least[1] || patch - least[2]) >= 0;
}
