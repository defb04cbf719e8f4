import type { Finding } from "../../doctor/report.ts";
import { LockUnavailableError } from "../../errors.ts";
import { EtcdError } from "./errors.ts";
import { serverWords } from "../network/server_words.ts";
import { OLDEST } from "./not_etcd.ts";
import type { Surveyed } from "./survey.ts";

/**
 * Checks the members' versions.
 *
 * @throws {LockUnavailableError} When one is too old.
 */
export function checkVersions(surveyed: readonly Surveyed[]): Finding {
  const versions = [...new Set(surveyed.flatMap(({ status }) => status ? [serverWords(status.version)] : []))];
  const old = versions.find(isOld);
  if (old !== undefined) {
    throw new LockUnavailableError(`etcd ${old} is too old`, `use ${OLDEST.join(".")} or newer`);
  }
  if (versions.length === 0) {
    const errors = surveyed.flatMap(({ error }) => error ?? []);
    // The advice of a member that answers is better than that of one that is down.
    const error = errors.find((error) => error instanceof EtcdError && error.code !== undefined) ?? errors[0];
    const found = `could not be checked: ${error?.why ?? "this user is not told"}`;
    return { found, cure: error?.cure ?? "check the user in the server setting" };
  }
  return { found: `etcd ${versions.toSorted().join(" and ")}` };
}

function isOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major < OLDEST[0] || major === OLDEST[0] && minor < OLDEST[1];
}
