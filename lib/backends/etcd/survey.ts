/** What each member of a cluster reports about itself. */

import { LockUnavailableError } from "../../errors.ts";
import { type Endpoint, type EtcdAddress, shownEndpoint } from "./address.ts";
import { type MemberStatus, readMembers, readStatus } from "./answers.ts";
import { EtcdClient } from "./client.ts";
import { Code, EtcdError } from "./errors.ts";
import type { JsonObject } from "./json.ts";
import { Path } from "./requests.ts";

/** What etcd answers if a login is needed, fails, or does not allow the request. */
const REFUSALS: readonly number[] = [Code.invalid, Code.denied, Code.unauthenticated];

/** One endpoint, and the member there. */
export interface Surveyed {
  readonly endpoint: Endpoint;
  /** Undefined if it did not report its state, even if it answered. */
  readonly status: MemberStatus | undefined;
  /** Why it did not answer. */
  readonly error: LockUnavailableError | undefined;
}

/** A member by the cluster's list. */
export type Listed = ReturnType<typeof readMembers>[number];

/** Asks each endpoint for the state of its member. */
export async function survey(address: EtcdAddress, endpoints: readonly Endpoint[]): Promise<readonly Surveyed[]> {
  return await Promise.all(endpoints.map((endpoint) => surveyOne(address, endpoint)));
}

async function surveyOne(address: EtcdAddress, endpoint: Endpoint): Promise<Surveyed> {
  try {
    const answer = await askOpenly({ ...address, endpoints: [endpoint] }, Path.status);
    return { endpoint, status: answer && readStatus(answer), error: undefined };
  } catch (error) {
    if (!(error instanceof LockUnavailableError)) throw error;
    return { endpoint, status: undefined, error };
  }
}

/** All members, as the cluster lists them; undefined if this user may not read the list. */
export async function listMembers(address: EtcdAddress): Promise<readonly Listed[] | undefined> {
  const answer = await askOpenly(address, Path.members);
  return answer && readMembers(answer);
}

/**
 * Asks for what etcd 3.4 and 3.5 report without a login, since logging in fails if most members are down. Newer versions
 * require a login.
 *
 * @returns Undefined if this user may not ask.
 * @throws {LockUnavailableError} When there is no answer.
 */
export async function askOpenly(
  address: EtcdAddress,
  path: string,
  body: JsonObject = {},
): Promise<JsonObject | undefined> {
  for (const login of address.user === undefined ? [{}] : [{ user: undefined, password: undefined }, {}]) {
    using client = new EtcdClient({ ...address, ...login });
    try {
      return await client.call(path, body);
    } catch (error) {
      if (!(error instanceof EtcdError && error.code !== undefined && REFUSALS.includes(error.code))) throw error;
    }
  }
  return undefined;
}

/** Where a member says that it listens for clients, by this way to connect; undefined if nowhere. */
export function endpointOf({ clientUrls }: Listed, { tls }: EtcdAddress): Endpoint | undefined {
  for (const text of clientUrls) {
    const url = URL.parse(text);
    if (url?.protocol !== (tls ? "https:" : "http:") || url.hostname === "") continue;
    return { host: url.hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(url.port || (tls ? 443 : 80)) };
  }
  return undefined;
}

/**
 * Checks that all endpoints belong to one cluster: otherwise the lock would depend on which endpoint answers.
 *
 * @throws {LockUnavailableError} When they do not.
 */
export function assertOneCluster(surveyed: readonly Surveyed[]): void {
  const clusters = Map.groupBy(surveyed.filter(({ status }) => status), ({ status }) => status!.cluster);
  if (clusters.size < 2) return;
  const each = [...clusters.values()].map((some) => some.map(({ endpoint }) => shownEndpoint(endpoint)).join(", "));
  throw new LockUnavailableError(
    `the server setting names members of ${clusters.size} clusters, which do not share their locks: ` +
      each.join(" | "),
    "name the members of one cluster only",
  );
}
