import { ConfigError } from "../errors.ts";
import type { Backend } from "../backends/backend.ts";
import type { Find } from "./setting_values.ts";

/** What Docker puts into `SERA_NAME` in a container that is linked to one by the name of sera. */
const LINK = /^\/[\w.-]+\/sera$/i;

/**
 * Refuses settings that cannot be meant for the server.
 *
 * @throws {ConfigError} When they are not for that server, wherever they stand.
 * @throws {UsageError} When a flag is for another kind of server.
 */
export function refuseTogether(find: Find, { title, offers }: Backend): void {
  const server = find("server")!;
  const tlsCa = find("tlsCa");
  // What is reached without a network has no certificate to look at.
  if (tlsCa && offers.tls === "unverified") {
    throw new ConfigError(
      `Cannot use tls-ca with the server in ${server.source}: it checks no certificate`,
      `add ${offers.verifyBy}`,
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
 * Refuses a key of the lock that nobody meant: nodes whose locks have different names would run at the same time.
 *
 * @throws {ConfigError} When it has come from elsewhere than from whoever set up sera.
 */
export function refuseLink(name: string | undefined, find: Find): void {
  if (name === undefined || !LINK.test(name) || find("name")!.source !== "SERA_NAME") return;
  throw new ConfigError(
    `Cannot use name in SERA_NAME: ${name} looks like what Docker sets for a link to a container named sera, and would ` +
      "rename the lock",
    "take SERA_NAME out, or set --name",
  );
}
