/** Whether the members of a cluster are up, and who leads them. */

import type { Finding } from "../../doctor/report.ts";
import { LockUnavailableError } from "../../errors.ts";
import { plainOr } from "../../text/redaction.ts";
import { type EtcdAddress, shownEndpoint } from "./address.ts";
import { assertOneCluster, endpointOf, type Listed, survey, type Surveyed } from "./survey.ts";

/** A member, and whether it answers. */
interface Seen {
  readonly listed: Listed;
  /** Its name in messages. */
  readonly name: string;
  readonly surveyed: Surveyed | undefined;
}

const MAJORITY = "start the members that are down, see etcdctl endpoint status --cluster";

/**
 * Checks that most members are up, and tells which are not.
 *
 * @param surveyed The endpoints of the setting.
 * @param members The cluster's list of its members; without one, the endpoints are all that is known.
 * @throws {LockUnavailableError} When no lock can be asked for.
 */
export async function checkMembers(
  address: EtcdAddress,
  surveyed: readonly Surveyed[],
  members: readonly Listed[] | undefined,
): Promise<Finding> {
  assertOneCluster(surveyed);
  if (!members) return judgeEndpoints(surveyed);
  const seen = await Promise.all(members.map((member) => look(address, surveyed, member)));
  const voters = seen.filter(({ listed }) => !listed.isLearner);
  const up = voters.filter(isUp);
  const leader = [...up, ...seen].find(isUp)?.surveyed?.status?.leader ?? 0n;
  const down = seen.filter((one) => !isUp(one));
  const count = `${up.length} of ${voters.length} ${voters.length === 1 ? "member" : "members"} up`;
  const missing = down.map(({ name, surveyed }) => `${name} (${whyDown(surveyed)})`).join(", ");
  if (leader === 0n) throw unled(seen.find(({ surveyed }) => surveyed?.error)?.surveyed?.error, count, missing);
  const leads = seen.find(({ listed }) => listed.id === leader)?.name ?? "another member";
  const named = members.filter(({ id }) => surveyed.some(({ status }) => status?.member === id)).length;
  const some = surveyed.length < members.length ? `; the server setting names ${named} of them` : "";
  const found = `${count}, ${leads} leads${some}`;
  const learners = surveyed.filter(({ status }) => status?.isLearner).map(({ endpoint }) => shownEndpoint(endpoint));
  if (learners.length > 0) {
    return { found: `${found}; a learner answers no requests: ${learners.join(", ")}`, cure: "leave it out" };
  }
  if (down.length === 0) return { found };
  return {
    found: `${found}; no answer from ${missing}`,
    cure: up.length - 1 < quorum(voters.length)
      ? "start the members that are down: locks stop working when one more member fails"
      : "start the members that are down, or remove it from the cluster",
  };
}

/** How many of this number of members must be up. */
function quorum(voters: number): number {
  return (voters >> 1) + 1;
}

function isUp({ surveyed }: Seen): boolean {
  return surveyed?.status !== undefined;
}

function whyDown(surveyed: Surveyed | undefined): string {
  if (!surveyed) return "it has no address for clients";
  return `${shownEndpoint(surveyed.endpoint)}: ${surveyed.error?.why ?? "another member answers there"}`;
}

/** What a member says: at the endpoint of the setting that leads to it, else where it says that it listens. */
async function look(address: EtcdAddress, surveyed: readonly Surveyed[], listed: Listed): Promise<Seen> {
  const name = listed.name === ""
    ? `a member that has not started (${listed.id.toString(16)})`
    : plainOr(listed.name, 60);
  const known = surveyed.find(({ status }) => status?.member === listed.id);
  if (known) return { listed, name, surveyed: known };
  const endpoint = endpointOf(listed, address);
  if (!endpoint) return { listed, name, surveyed: undefined };
  const asked = surveyed.find(({ endpoint: { host, port } }) => host === endpoint.host && port === endpoint.port);
  const [found] = asked ? [asked] : await survey(address, [endpoint]);
  const isOther = found?.status !== undefined && found.status.member !== listed.id;
  return { listed, name, surveyed: isOther ? { ...found, status: undefined, error: undefined } : found };
}

function unled(error: LockUnavailableError | undefined, count: string, missing: string): LockUnavailableError {
  const what = `no leader, ${count}${missing === "" ? "" : `; no answer from ${missing}`}`;
  return new LockUnavailableError(what, MAJORITY, { transient: true, cause: error });
}

/** What can be said when the list of members is unknown. */
function judgeEndpoints(surveyed: readonly Surveyed[]): Finding {
  const isLed = surveyed.some(({ status }) => (status?.leader ?? 0n) !== 0n);
  return { found: `this user may not see them${isLed ? "; one of them leads" : ""}` };
}
