/** What `sera doctor` checks on etcd. */

import { LockUnavailableError } from "../../errors.ts";
import type { Finding, Report } from "../../doctor/report.ts";
import { probeLock } from "../../doctor/probe_lock.ts";
import { timeAnswers } from "../../doctor/round_trip.ts";
import type { Lock } from "../../lock/lock.ts";
import { pathOr } from "../../text/redaction.ts";
import { checkAddresses } from "../network/address_check.ts";
import { checkTls, isLoopback } from "../network/tls_check.ts";
import { type EtcdAddress, shownEndpoint } from "./address.ts";
import { checkAlarms } from "./alarm_check.ts";
import { EtcdClient } from "./client.ts";
import { EtcdError } from "./errors.ts";
import { checkMembers } from "./members_check.ts";
import { NAMES } from "./names.ts";
import { Path, range } from "./requests.ts";
import { listMembers, survey, type Surveyed } from "./survey.ts";
import { tryPrivileges } from "./trial.ts";
import { checkVersions } from "./version_check.ts";

const CHECKS = [
  "address",
  "connection",
  "tls",
  "version",
  "members",
  "alarms",
  "login",
  "privileges",
  "visibility",
  "round-trip",
  "lock",
];

/**
 * Checks a cluster, from the addresses of its members to a lock.
 *
 * @param name The name of a lock that nobody else uses.
 * @param makeLock Makes a lock of that name, with a client of its own.
 */
export async function checkEtcd(
  report: Report,
  address: EtcdAddress,
  name: string,
  makeLock: () => Promise<Lock>,
): Promise<void> {
  const hosts = address.endpoints.filter(({ host }, index, all) => all.findIndex((one) => one.host === host) === index);
  const addresses = hosts.map((endpoint) => ({ transport: "tcp", ...endpoint }) as const);
  if (await report.check("address", () => checkAddresses(addresses)) && await checkCluster(report, address, name)) {
    await report.check("lock", () => probeLock(makeLock, false));
  }
  report.skipRest(CHECKS);
}

/** The checks before that of a lock; whether a lock can be tried. */
async function checkCluster(report: Report, address: EtcdAddress, name: string): Promise<boolean> {
  let surveyed: readonly Surveyed[] = [];
  const isThere = await report.check(
    "connection",
    async () => connected(surveyed = await survey(address, address.endpoints)),
  );
  if (!isThere) return false;
  await report.check("tls", async () => {
    const remote = address.tls ? undefined : await remoteOf(address);
    return checkTls({ encrypted: address.tls, remote }, {
      asked: address.tls ? "etcds://" : "etcd://",
      verified: "its CA and names",
      password: address.password !== undefined,
      cure: "set up TLS in etcd, and write etcds:// in the server setting, with tls-ca if its CA is your own",
    });
  });
  // All others have been awaited.
  const near = { ...address, endpoints: surveyed.filter(hasAnswered).map(({ endpoint }) => endpoint) };
  using client = new EtcdClient(near);
  const isNew = await report.check("version", () => checkVersions(surveyed));
  const isLed = await report.check("members", async () => {
    return await checkMembers(address, surveyed, await listMembers(near));
  });
  if (!isNew || !isLed) return false;
  if (!await report.check("alarms", () => checkAlarms(near))) return false;
  if (!await report.check("login", () => checkLogin(client))) return false;
  if (!await report.check("privileges", () => tryPrivileges(client, name))) return false;
  await report.checkOptional("visibility", () => checkVisibility(client));
  const login = 1 + (address.tls ? 1 : 0) + (client.isLoggedIn ? 1 : 0);
  await report.checkOptional("round-trip", () => {
    return timeAnswers(() => client.call(Path.range, anyKey(address, name)), { login, run: 3, ledger: 3 });
  });
  return true;
}

/** A member that refuses a request has answered. */
function hasAnswered({ error }: Surveyed): boolean {
  return !error || error instanceof EtcdError && error.code !== undefined;
}

/** Whether any member answers as etcd does. */
function connected(surveyed: readonly Surveyed[]): Finding {
  const silent = surveyed.filter((one) => !hasAnswered(one));
  const answering = surveyed.filter(hasAnswered).map(({ endpoint }) => shownEndpoint(endpoint)).join(", ");
  const why = silent.map(({ endpoint, error }) => `${shownEndpoint(endpoint)}: ${error?.why}`).join(", ");
  const cure = silent.find(({ error }) => error?.cure !== undefined)?.error?.cure;
  if (answering === "") {
    const [only] = silent;
    if (silent.length === 1 && only?.error) throw only.error;
    throw new LockUnavailableError(`Cannot lock on etcd: no member answers: ${why}`, cure, {
      transient: silent.some(({ error }) => error?.transient),
    });
  }
  if (silent.length === 0) return { found: `${answering}: connected` };
  return { found: `${answering}: connected, but not ${why}`, cure: cure ?? "start it, or leave it out" };
}

/** The address of a member on another machine, if there is one. */
async function remoteOf({ endpoints }: EtcdAddress): Promise<string> {
  const { lookup } = await import("node:dns/promises");
  const found = await Promise.all(
    endpoints.map(({ host }) => lookup(host, { all: true }).catch(() => [{ address: host }])),
  );
  const all = found.flat().map(({ address }) => address);
  return all.find((address) => !isLoopback(address)) ?? all[0] ?? "127.0.0.1";
}

/** Whether a login is needed, and succeeds. */
async function checkLogin(client: EtcdClient): Promise<Finding> {
  const { user } = client.address;
  try {
    await client.call(Path.range, anyKey(client.address, "login"));
  } catch (error) {
    // The next check covers that.
    if (!(error instanceof EtcdError && error.words.includes("permission denied"))) throw error;
  }
  if (client.isLoggedIn) return { found: "logged in" };
  if (user === undefined) return { found: "no user, and none is needed (auth is off)" };
  return {
    found: "the server setting has a user, but everyone may do everything (auth is off)",
    cure: "etcdctl auth enable, or leave the user out",
  };
}

async function checkVisibility(client: EtcdClient): Promise<Finding> {
  const { prefix } = client.address;
  const all = range({ key: `${prefix}${NAMES.from}`, to: `${prefix}${NAMES.to}`, countOnly: true });
  await client.call(Path.range, all);
  return { found: `sera status can list all locks below ${pathOr(prefix)}` };
}

/** A request for keys that do not exist. */
function anyKey({ prefix }: EtcdAddress, name: string) {
  return range({ key: `${prefix}${name}/`, prefix: true, countOnly: true });
}
