import { ConfigError } from "../errors.ts";
import type { Server } from "./server.ts";
import type { SettingValues } from "./setting_values.ts";

/** What Docker puts into `SERA_NAME` in a container that is linked to one by the name of sera. */
const LINK = /^\/[\w.-]+\/sera$/i;

/**
 * Refuses settings that cannot be meant for the server.
 *
 * @throws {ConfigError} When they are not for that server, wherever they stand.
 * @throws {UsageError} When a flag is for another kind of server.
 */
export function refuseTogether({ find }: SettingValues, parsed: Server): void {
  const server = find("server")!;
  const tlsCa = find("tls-ca");
  if (tlsCa && !checksCertificates(parsed)) {
    const cure = parsed.kind === "postgres" ? "sslmode=verify-full" : "tls=true";
    throw new ConfigError(
      `Cannot use tls-ca with the server in ${server.source}: it checks no certificate`,
      `add ${cure}`,
    );
  }
  const namespace = find("namespace");
  if (namespace && parsed.kind !== "postgres") {
    throw new namespace.error(
      `Cannot use namespace in ${namespace.source} with the server in ${server.source}: only PostgreSQL has namespaces; leave namespace out`,
    );
  }
}

/**
 * The lock's key, if one is set. Nodes whose locks have different names would run at the same time, so that none is
 * taken by accident.
 *
 * @throws {ConfigError} When it has come from elsewhere than from whoever set up sera.
 */
export function readName(values: SettingValues): string | undefined {
  const name = values.text("name");
  if (name === undefined || !LINK.test(name) || values.find("name")!.source !== "SERA_NAME") return name;
  throw new ConfigError(
    `Cannot use name in SERA_NAME: ${name} looks like what Docker sets for a link to a container named sera, and would ` +
      "rename the lock",
    "take SERA_NAME out, or set --name",
  );
}

/** Whether the server's certificate is looked at; what is reached without a network has none to look at. */
function checksCertificates(server: Server): boolean {
  if (server.kind === "mysql") return server.tls === "verify";
  return isReachedWithoutTls(server) || server.kind === "postgres" && server.sslmode.startsWith("verify-");
}

/** Files, and sockets of this machine by libpq's rule; the Go driver's DSN may ask for TLS there as well. */
export function isReachedWithoutTls(server: Server): boolean {
  if (server.kind === "mysql") return false;
  return server.kind === "file" || server.hosts.every(({ address }) => address.transport === "unix");
}
