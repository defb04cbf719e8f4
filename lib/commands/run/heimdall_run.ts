import { isFlagSet } from "../../args/is_flag_set.ts";
import { TABLE } from "../../settings/table.ts";
import { formatDuration } from "../../text/duration.ts";
import { lineOf, UsageError } from "../../errors.ts";
import type { Io } from "../../io.ts";
import { identityOf } from "../../lock/lock_identity.ts";
import { parseForHeimdall } from "../../backends/registry.ts";
import type { Logger } from "../../log/logger.ts";
import type { Progress } from "./progress.ts";
import { executeHolding } from "./execute.ts";
import { HELD_LOCKS } from "./held_locks.ts";
import { interruptible, unlessInterrupted } from "./interrupts.ts";
import { keyForLog, lockVariables } from "./variables.ts";
import { Watch } from "./watch.ts";

/** heimdall's only own exit code, for every failure: lock held by another, no connection, timeout, wrong arguments. */
export const FAILED = 1;

/** The default namespace, and the default name. */
const DEFAULT_NAME = "heimdall";

/**
 * Tries once to get the lock, and runs a program under it for a limited time.
 *
 * @param flags heimdall's own.
 * @param limit How long the program may run, in milliseconds.
 * @param progress To be told when the program has been started and when it has ended.
 * @returns The exit code.
 * @throws {SeraError} When the program was not run.
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
  const namespace = flags.get("namespace") ?? DEFAULT_NAME;
  const { key, name, title } = identityOf([], { namespace, name: flags.get("name") ?? DEFAULT_NAME });
  logger.about({ lock: name, key: logger.isJson ? keyForLog(key) : undefined, label: words[0]! });
  const inheritedLocks = io.env(HELD_LOCKS);
  await using watch = new Watch(logger, name, true);
  const { signals } = watch;
  await using lock = await server.lock(name, {
    lease: { ttl: TABLE.ttl.default, grace: TABLE.grace.default },
    allowUnsafeServer: isFlagSet(flags, "allow-unsafe-server"),
    // It tries once.
    retrying: () => undefined,
    label: words[0]!,
    names: { namespace, name: key },
    env: io.env,
  });

  return await unlessInterrupted(logger, async () => {
    const held = await interruptible(signals.interrupted, () => lock.acquire(0, signals.interrupted));
    if (!held) {
      if (inheritedLocks !== undefined) {
        const { holderOf } = await import("./holder.ts");
        const ledger = { table: TABLE.ledgerTable.default };
        const asked = { lock, settings: { server, ledger }, locks: [{ key, name, title }], inheritedLocks };
        await holderOf(asked, signals.interrupted);
      }
      logger.log("error", "busy", "Lock not acquired: somebody else holds it - the program was not executed.", {
        exitCode: FAILED,
      });
      return FAILED;
    }
    logger.log("info", "acquired", `Lock acquired: ${name}.`);
    return await executeHolding({
      lock: held,
      words,
      watch,
      logger,
      io,
      progress,
      grace: io.timeouts?.heimdallGrace ?? TABLE.grace.default,
      onLost: "terminate",
      variables: lockVariables({
        ...{ name, key, host: Deno.hostname(), server, inheritedLocks },
        session: held.token === undefined ? held.session : undefined,
        tokens: held.token === undefined ? undefined : [held.token],
      }),
      maxRun: { limit, error: new Error(`The program ran longer than ${formatDuration(limit)} (--timeout)`) },
      exitCodeOf: ({ exitCode, stoppedBy }) =>
        stoppedBy ? FAILED : signals.passedOn === undefined ? exitCode : 128 + signals.passedOn,
    });
  });
}
