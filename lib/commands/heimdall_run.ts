import { isAsked } from "../args/is_asked.ts";
import { LastWill } from "../child/last_will.ts";
import { SignalRelay } from "../child/signals.ts";
import { getsOwnSession } from "../child/spawn.ts";
import { TABLE } from "../settings/table.ts";
import { formatDuration } from "../text/duration.ts";
import { InterruptedError, lineOf, UsageError } from "../errors.ts";
import type { Io } from "../io.ts";
import { namespacedName } from "../lock/namespaced_name.ts";
import { parseForHeimdall } from "../backends/registry.ts";
import type { Logger } from "../log/logger.ts";
import type { Progress } from "../progress.ts";
import type { Supervised } from "../child/supervise.ts";
import { executeHolding, tellInterrupted } from "./execute.ts";
import { HELD_LOCKS } from "./held_locks.ts";
import { keyForLog, lockVariables } from "./variables.ts";

/** heimdall's only exit code of its own: busy, no connection, timed out, wrong arguments. */
export const FAILED = 1;

/** Both the namespace and the name, where none is given. */
const DEFAULT_NAME = "heimdall";

/**
 * Tries once for the lock, and runs a program under it for a limited time.
 *
 * @param flags heimdall's own.
 * @param limit How long the program may run, in milliseconds.
 * @param progress Is told how far it has come, for what throws besides.
 * @returns The exit code.
 * @throws {SeraError} When there is nothing to return.
 */
export async function runOnce(
  words: readonly string[],
  flags: ReadonlyMap<string, string>,
  limit: number,
  io: Io,
  logger: Logger,
  progress: Progress,
): Promise<number> {
  const database = flags.get("database") ?? "";
  if (/^(mysql|file):|@\w*\(/.test(database)) {
    throw new UsageError(
      "Cannot use the database in --database: heimdall locks on PostgreSQL only",
      "name one such as postgres://host/db",
    );
  }
  const server = await parseForHeimdall(database, { env: io.env });
  for (const note of server.notes) logger.log("info", "note", lineOf(note));
  const key = flags.get("name") ?? DEFAULT_NAME;
  const namespace = flags.get("namespace") ?? DEFAULT_NAME;
  const name = namespacedName(namespace, key);
  logger.about({ lock: name, key: logger.isJson ? keyForLog(key) : undefined, label: words[0]! });
  const above = io.env(HELD_LOCKS);
  await using will = new LastWill({
    timed: true,
    inGroup: !getsOwnSession(),
    jsonAbout: logger.isJson ? name : undefined,
  });
  const signals = new SignalRelay(will);
  // The last line tells what sera exits with.
  if (logger.isJson && logger.tells("info")) signals.endByAll();
  await using backend = await server.lock(name, {
    lease: { ttl: TABLE.ttl.default, grace: TABLE.grace.default },
    allowUnsafeServer: isAsked(flags, "allow-unsafe-server"),
    // It tries once.
    retrying: () => undefined,
    label: words[0]!,
    names: { namespace, name: key },
    env: io.env,
  });

  let lock;
  try {
    lock = await backend.acquire(0, signals.interrupted);
  } catch (error) {
    if (error instanceof InterruptedError) return tellInterrupted(error, logger);
    throw error;
  }
  if (!lock) {
    if (above !== undefined) {
      const { holderOf } = await import("./holder.ts");
      const ledger = { table: TABLE.ledgerTable.default };
      await holderOf(backend, { server, ledger }, name, key, above, signals.interrupted);
    }
    logger.log("error", "busy", "Lock not acquired: somebody else has it - the program was not executed.", {
      exitCode: FAILED,
    });
    return FAILED;
  }
  logger.log("info", "acquired", `Lock acquired: ${name}.`);

  const statusOf = ({ exitCode, stoppedBy }: Supervised) =>
    stoppedBy ? FAILED : signals.passedOn === undefined ? exitCode : 128 + signals.passedOn;
  const status = statusOf(
    await executeHolding(lock, words, {
      signals,
      will,
      logger,
      io,
      progress,
      grace: io.limits?.heimdallGrace ?? TABLE.grace.default,
      onLost: "terminate",
      variables: lockVariables({ name, key, host: Deno.hostname(), server, session: lock.session, above }),
      maxRun: { limit, error: new Error(`The program ran longer than ${formatDuration(limit)} (--timeout)`) },
      statusOf,
    }),
  );
  progress.ended(status);
  return status;
}
