/** What each member of a cluster tells about itself. */

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
  /** Undefined if it did not tell, though it may have answered. */
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

/** All members, as the cluster lists them; undefined if it does not tell this user. */
export async function listMembers(address: EtcdAddress): Promise<readonly Listed[] | undefined> {
  const answer = await askOpenly(address, Path.members);
  return answer && readMembers(answer);
}

/**
 * Asks for what etcd 3.4 and 3.5 tell without a login, since logging in fails when most members are down. Newer
 * versions ask for a login first.
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
 * That all endpoints lead to one cluster: which of two keeps a lock would depend on which one answers.
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
