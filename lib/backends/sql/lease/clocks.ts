import type { Finding } from "../../../doctor/report.ts";
import { LockUnavailableError } from "../../../errors.ts";
import { formatDuration } from "../../../text/duration.ts";
import { askOne } from "../answer.ts";
import type { Session } from "../session.ts";
import type { Statement } from "../statement.ts";

/** Clocks that differ by no more than this agree, in milliseconds. */
const AGREE = 1000;

/** What to compare. */
export interface ClockOptions {
  /** Selects the server's time as `now`, in seconds since 1970 with fractions. */
  readonly now: Statement;
  /** In milliseconds. */
  readonly ttl: number;
  /** Whether leases may be taken over by a clock other than the one they were renewed by. */
  readonly isTrusted: boolean;
}

type ClockSession = Pick<Session, "where" | "queryAll" | "close">;

/** A clock, and by how many milliseconds it is ahead of this machine's. */
interface Clock {
  readonly name: string;
  readonly ahead: number;
}

/**
 * Compares the clocks of servers and of this machine. A server that cannot be asked is a warning.
 *
 * @param opens Connect to each server.
 */
export async function compareClocks(
  opens: readonly (() => Promise<ClockSession>)[],
  { now, ttl, isTrusted }: ClockOptions,
): Promise<Finding> {
  const clocks: Clock[] = [{ name: "this machine", ahead: 0 }];
  const silent: LockUnavailableError[] = [];
  for (const open of opens) {
    try {
      clocks.push(await clockOf(await open(), now));
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      silent.push(error);
    }
  }
  const [first, last] = [clocks.reduce(earlier), clocks.reduce((a, b) => earlier(b, a) === b ? a : b)];
  const apart = last.ahead - first.ahead;
  const missing = silent.length > 0 ? ` (not asked: ${silent.map(({ reason }) => reason).join(", ")})` : "";
  // A host that is misspelt would otherwise be missed only when the others are down.
  const cures = new Set(silent.map(({ cure = "check that server" }) => cure));
  const cure = cures.size > 0 ? [...cures].join(", and ") : undefined;
  if (apart <= AGREE) {
    const servers = clocks.length === 2 ? "the server" : `${clocks.length - 1} servers`;
    const found = `the clocks of ${servers} and of this machine agree within ${formatDuration(AGREE)}${missing}`;
    return { found, cure };
  }
  const by = formatDuration(Math.round(apart / 1000) * 1000);
  const found = `the clock of ${last.name} is ${by} ahead of that of ${first.name}${missing}`;
  if (isTrusted && apart > ttl / 2) {
    return {
      found: `${found}: by the clock that is ahead, sera 0 may take over a lease too soon`,
      cure: "set them with NTP, or use a longer --ttl",
    };
  }
  return { found: `${found}; leases are not affected`, cure };
}

async function clockOf(session: ClockSession, now: Statement): Promise<Clock> {
  try {
    const before = Date.now();
    const server = (await askOne(session, now, ["now"])).number("now") * 1000;
    return { name: session.where, ahead: server - (before + Date.now()) / 2 };
  } finally {
    await session.close();
  }
}

function earlier(a: Clock, b: Clock): Clock {
  return b.ahead < a.ahead ? b : a;
}
