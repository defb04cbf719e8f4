import { ConfigError, type SeraError } from "../errors.ts";
import type { Backend } from "../backends/backend.ts";
import type { TableName } from "../ledger/table_name.ts";
import { namedSetting } from "./named_setting.ts";
import type { Find, Found, SettingValues } from "./setting_values.ts";
import type { Settings } from "./settings.ts";
import { environmentName, type Setting, TABLE } from "./table.ts";

/** Docker's value of `SERA_NAME` in a container that is linked to one named sera: `/this-container/sera`. */
const LINK = /^\/[\w.-]+\/sera$/i;

/**
 * Refuses settings that the server does not support.
 *
 * @throws {ConfigError} When one is set in a file or variable.
 * @throws {UsageError} When a feature that the server lacks is asked for by a flag.
 */
export function refuseUnsupported(read: SettingValues, { title, offers }: Backend): void {
  const { find } = read;
  const server = find("server")!;
  const tlsCa = find("tlsCa");
  // A server that is reached without a network is left out: tls-ca has no effect there, see without_effect.ts.
  if (tlsCa && typeof offers.tls === "object") {
    throw new ConfigError(
      `Cannot use ${
        namedSetting(TABLE.tlsCa, tlsCa.source)
      } with the server in ${server.source}: its TLS setting verifies no certificate`,
      `add ${offers.tls.verifyBy}`,
    );
  }
  const namespace = find("namespace");
  if (namespace && !offers.namespaces) throw lacking(TABLE.namespace, namespace, server, title);
  // `lease=false` asks for nothing.
  const lease = read.get("lease") ? find("lease") : undefined;
  if (lease && !offers.leases) throw lacking(TABLE.lease, lease, server, title);
}

/**
 * Refuses several hosts without leases: each would keep its own locks.
 *
 * @throws {ConfigError}
 */
export function refuseSeveralServers(read: SettingValues, { offers }: Backend): void {
  if (!offers.severalServers || read.get("lease")) return;
  const { source } = read.find("server")!;
  throw new ConfigError(
    `Cannot use the server in ${source}: it names several hosts, and each would keep its own locks`,
    "add --lease, or name one host",
  );
}

/**
 * Refuses one table for both the leases and the ledger: whichever is used first would create it, and the other would fail.
 *
 * @throws {ConfigError} Or of the class for where the table is named.
 */
export function refuseSharedTable(find: Find, { lease, leaseTable, ledger }: Settings): void {
  if (!lease || !ledger.on || shownOf(leaseTable) !== shownOf(ledger.table)) return;
  const found = find("leaseTable");
  const { source, error } = found ?? find("ledgerTable")!;
  const [setting, whose] = found ? [TABLE.leaseTable, "the ledger"] : [TABLE.ledgerTable, "the leases"];
  throw new error(
    `Cannot use ${namedSetting(setting, source)}: the table ${shownOf(leaseTable)} already holds ${whose}`,
    "name another table",
  );
}

function shownOf({ schema, name }: TableName): string {
  return schema === undefined ? name : `${schema}.${name}`;
}

/** The error about a feature that a server lacks, named as its setting is. */
function lacking({ name }: Setting, { source, error }: Found, server: Found, title: string): SeraError {
  return new error(
    `Cannot use ${
      namedSetting({ name }, source)
    } with the server in ${server.source}: ${title} does not support ${name}s`,
    "leave it out",
  );
}

/**
 * Refuses a name that Docker has set by accident. It would rename the lock on this node only, so that the command could
 * run on two nodes at the same time.
 *
 * @throws {ConfigError}
 */
export async function refuseDockerLink(find: Find): Promise<void> {
  const { value: name, source } = find("name") ?? {};
  if (source !== environmentName(TABLE.name.name) || typeof name !== "string" || !LINK.test(name)) return;
  throw (await import("./docker_link.ts")).dockerLinkError(source, name);
}
