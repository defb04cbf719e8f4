import { ConfigError } from "../errors.ts";
import type { Backend } from "../backends/backend.ts";
import type { Find } from "./setting_values.ts";
import { environmentName, TABLE } from "./table.ts";

/** Docker's value of `SERA_NAME` in a container that is linked to one named sera: `/this-container/sera`. */
const LINK = /^\/[\w.-]+\/sera$/i;

/**
 * Refuses settings that contradict the server.
 *
 * @throws {ConfigError} When they do not go with it.
 * @throws {UsageError} When the namespace is a flag, and the server has none.
 */
export function refuseTogether(find: Find, { title, offers }: Backend): void {
  const server = find("server")!;
  const tlsCa = find("tlsCa");
  // A server that is reached without a network is left out: tls-ca has no effect there, see without_effect.ts.
  if (tlsCa && typeof offers.tls === "object") {
    throw new ConfigError(
      `Cannot use tls-ca with the server in ${server.source}: it checks no certificate`,
      `add ${offers.tls.verifyBy}`,
    );
  }
  const namespace = find("namespace");
  if (namespace && !offers.namespaces) {
    throw new namespace.error(
      `Cannot use namespace in ${namespace.source} with the server in ${server.source}: ${title} has no namespaces`,
      "leave namespace out",
    );
  }
}

/**
 * Refuses a name that Docker has set by accident. It would rename the lock on this node only, so that the command could
 * run on two nodes at the same time.
 *
 * @throws {ConfigError}
 */
export function refuseLink(find: Find): void {
  const { value: name, source } = find("name") ?? {};
  if (source !== environmentName(TABLE.name.name) || typeof name !== "string" || !LINK.test(name)) return;
  throw new ConfigError(
    `Cannot use name in ${source}: ${name} looks like what Docker sets for a link to a container named sera, and would ` +
      "rename the lock",
    `take ${source} out, or set --name`,
  );
}
