/** A run as sera does it, step by step, so that it can be broken off between any two of them. */

import type { Rule } from "../../lib/ledger/run.ts";
import { SqlLedger } from "../../lib/backends/sql/ledger.ts";
import { sql, type Statement } from "../../lib/backends/sql/statement.ts";
import type { Store } from "../../lib/backends/sql/store.ts";
import { Recorder } from "../../lib/ledger/recorder.ts";
import { Logger } from "../../lib/log/logger.ts";
import { never, open } from "../backends/open.ts";
import { HANG } from "../cli/wait.ts";
import { type LedgerAddress, openStoreAt, PLAIN, RUNNER } from "./holder.ts";

/** The command. */
export interface RunPlan extends LedgerAddress {
  readonly lock: string;
  readonly rule: Partial<Rule>;
  /** The file to which the command adds a line. */
  readonly journal: string;
}

/**
 * Does a step of a run, whose name is the statement, or what else is done. If several statements are sent at once, `parts`
 * does them one by one, as far as a server gets that dies over them.
 */
export type DoStep = <T>(
  name: string,
  step: () => Promise<T>,
  parts?: readonly (() => Promise<unknown>)[],
) => Promise<T>;

/** The steps besides the statements. */
export const COMMAND = "the command";
export const RELEASE = "the release";

/** How long the lock is waited for, in milliseconds: a crash must not keep the next one from it for ever. */
const PATIENCE = HANG;

/** A store that does each message as a step. */
function inSteps({ dialect, run, batch, end }: Store, doStep: DoStep): Store {
  const textOf = (...statements: readonly Statement[]) =>
    statements.map((statement) => statement.textFor(dialect.quoting)).join("; ");
  const partsOf = (statements: readonly Statement[]) => statements.map((statement) => () => run(statement));
  return {
    dialect,
    // Statements sent together count as one step.
    run: (statement, first) => first ? run(statement, first) : doStep(textOf(statement), () => run(statement)),
    batch: batch &&
      ((statements) => doStep(textOf(...statements), () => batch(statements), partsOf(statements))),
    end: end && ((ending) => {
      const { record, readBack, afterwards } = ending;
      const released = () => end({ ...ending, afterwards: [] });
      const parts = [...partsOf([record, readBack]), released, ...partsOf(afterwards)];
      return doStep(textOf(record, readBack, sql`release`, ...afterwards), () => end(ending), parts);
    }),
  };
}

/** Runs the command unless the ledger has something against it. */
export async function runOnce(
  { lock, rule, journal, ...address }: RunPlan,
  doStep: DoStep,
): Promise<"ran" | "skipped"> {
  await using backend = await open(address.server, lock);
  const held = await backend.acquire(PATIENCE, never);
  if (!held) throw new Error(`the lock was not free within ${PATIENCE} ms`);
  const settings = { ...PLAIN, ...rule, on: true, table: address.table, recordSkips: false };
  const io = { out: () => undefined, err: () => undefined, env: () => undefined };
  const recorder = new Recorder(
    async ({ session }) => {
      const store = await openStoreAt(address, session);
      return new SqlLedger(inSteps(store, doStep));
    },
    lock,
    { ...RUNNER, pid: Deno.pid },
    settings,
    new Logger(io, { format: "text" }, "test"),
  );
  const begun = await recorder.begin(held);
  if (typeof begun !== "string") {
    await doStep(COMMAND, () => Deno.writeTextFile(journal, `${Deno.pid}\n`, { append: true }));
    await begun.finish("succeeded", 0, true);
  }
  await doStep(RELEASE, () => held.release());
  await recorder.prune();
  return typeof begun === "string" ? "skipped" : "ran";
}
