import { usableLedger } from "../../doctor/usable_ledger.ts";
import type { Finding } from "../../doctor/report.ts";
import type { TestRun } from "../../ledger/ledger.ts";
import { EtcdClient } from "./client.ts";
import type { EtcdAddress } from "./address.ts";
import { readTxn } from "./answers.ts";
import { endLeases, spanLease } from "./begin_run.ts";
import { EtcdLedger } from "./ledger.ts";
import { idsIn } from "./ledger_reading.ts";
import { LedgerStore } from "./ledger_store.ts";
import type { Caller } from "./own_key.ts";
import { Path, step, txn } from "./requests.ts";
import { readRun } from "./stored_run.ts";

/** How long the lease of a test run lives if sera is killed meanwhile, in milliseconds. */
const SPAN = 60_000;

/**
 * Records a run like a real one, under a lock that nobody else uses, and deletes it.
 *
 * @throws {LockUnavailableError} When a run could not be recorded.
 */
export async function checkEtcdLedger(address: EtcdAddress, testRun: TestRun): Promise<Finding> {
  using client = new EtcdClient(address);
  const [last] = await new EtcdLedger({ client }).latest(1);
  await recordTestRun(client, testRun);
  return usableLedger(last);
}

async function recordTestRun(client: Caller, { lock, rule, runner }: TestRun): Promise<void> {
  const plain = new LedgerStore(client, undefined);
  const lease = await spanLease(plain, SPAN);
  const key = `${client.address.prefix}${lock}/${lease.toString(16)}`;
  try {
    const { revision } = readTxn(await plain.ask(Path.txn, txn([], [step.put(key, "", lease)])));
    const ledger = new EtcdLedger({ client, key, created: revision });
    await ledger.abandon(lock);
    const permission = await ledger.begin(lock, runner, rule);
    if (permission.granted) await ledger.finish(permission.id, "succeeded", 0, rule);
  } finally {
    await forget(plain, lock, rule.once);
    await endLeases(plain, [lease]);
  }
}

/** Deletes everything about the runs of a lock. */
async function forget(store: LedgerStore, lock: string, once: string | undefined): Promise<void> {
  const { keys } = store;
  const every = await store.page(keys.every(lock), { keysOnly: true });
  for (const id of idsIn(await store.page(keys.of(lock), { keysOnly: true }))) {
    const [run] = await store.values([keys.run(id)]);
    const { expires } = (run && readRun(run)) ?? {};
    await store.changeUnguarded([], [
      step.deleteRange(keys.run(id)),
      ...expires === undefined ? [] : [step.deleteRange(keys.expires(expires, id))],
    ]);
  }
  await store.changeUnguarded([], [
    step.deleteRange(keys.of(lock), true),
    step.deleteRange(keys.running(lock), true),
    step.deleteRange(keys.every(lock), true),
    step.deleteRange(keys.last(lock, "succeeded")),
    ...once === undefined ? [] : [step.deleteRange(keys.once(lock, once))],
  ]);
  await endLeases(store, every.flatMap(({ lease }) => lease > 0n ? [lease] : []));
}
