import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { LockUnavailableError, messageOf, type Trouble } from "../../errors.ts";
import { pathOr } from "../../text/redaction.ts";
import type { Address } from "./address.ts";
import { describeNetworkError } from "./errors.ts";
import type { Finding } from "../../doctor/report.ts";

/**
 * Resolves host names, as connecting does.
 *
 * @throws {LockUnavailableError} When none has an address.
 */
export async function checkAddresses(addresses: readonly Address[]): Promise<Finding> {
  const results = await Promise.all(addresses.map(resolve));
  const found = results.map(({ found }) => found).join(", ");
  const problem = results.find(({ problem }) => problem !== undefined)?.problem;
  if (problem === undefined) return { found };
  if (results.every(({ problem }) => problem !== undefined)) {
    throw new LockUnavailableError(found, problem.cure ?? "check the address", { transient: true });
  }
  return { found, cure: "correct the names that have no address, or leave those hosts out" };
}

async function resolve(address: Address): Promise<{ readonly found: string; readonly problem?: Trouble }> {
  if (address.transport === "unix") return { found: `no name to look up: unix(${pathOr(address.path)})` };
  const { host } = address;
  // An IPv6 address may have a zone: fe80::1%eth0.
  if (isIP(host.split("%")[0]!)) return { found: `no name to look up: ${host}` };
  try {
    const entries = await lookup(host, { all: true });
    const all = [...new Set(entries.map(({ address }) => address))];
    return { found: `${host} is ${all.join(", ")}` };
  } catch (error) {
    const problem = describeNetworkError(error) ?? { what: messageOf(error).split("\n")[0]! };
    return { found: `${host}: ${problem.what}`, problem };
  }
}
