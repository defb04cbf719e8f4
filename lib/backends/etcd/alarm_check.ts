import type { Finding } from "../../doctor/report.ts";
import { LockUnavailableError } from "../../errors.ts";
import { field, int64, objects, text } from "./json.ts";
import type { EtcdAddress } from "./address.ts";
import { Path } from "./requests.ts";
import { askOpenly } from "./survey.ts";

/** What to do about an alarm. */
const CURES: Readonly<Record<string, string>> = {
  NOSPACE: "compact and defragment its database, then etcdctl alarm disarm",
  CORRUPT: "replace that member, see etcd's manual on data corruption",
};

/**
 * Whether an alarm is on: etcd then refuses what a lock needs.
 *
 * @throws {LockUnavailableError} When one is.
 */
export async function checkAlarms(address: EtcdAddress): Promise<Finding> {
  const answer = await askOpenly(address, Path.alarm, { action: "GET" });
  // The check with a lock will show it.
  if (!answer) return { found: "this user may not see them" };
  const alarms = objects(answer, "alarms").map((alarm) => ({
    member: int64(alarm, "memberID").toString(16),
    kind: field(alarm, "alarm") === undefined ? "NONE" : text(alarm, "alarm"),
  })).filter(({ kind }) => kind !== "NONE");
  const [first] = alarms;
  if (!first) return { found: "none" };
  const all = alarms.map(({ member, kind }) => `${kind} of member ${member}`).join(", ");
  throw new LockUnavailableError(`alarms are on: ${all}`, CURES[first.kind] ?? "see etcdctl alarm list");
}
