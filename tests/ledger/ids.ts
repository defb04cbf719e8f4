/** Ids grow, even when runs are deleted and servers restart. */

import assert from "node:assert/strict";
import { until } from "../cli/wait.ts";
import { freshName } from "../backends/open.ts";
import { RESTARTS } from "../backends/shared_server.ts";
import type { RunPlace } from "./run_bench.ts";

const FORGETFUL = { keepHistory: 0 };

export function idTests({ test, bench: makeBench, restart }: RunPlace): void {
  test("ids grow when locks alternate, when all runs are deleted, and after a restart", async () => {
    await using bench = await makeBench();
    const locks = [freshName(), freshName()];
    const ids: bigint[] = [];
    const take = async (outcome: "succeeded" | "failed") => {
      for (const lock of locks) {
        await using holder = await bench.holder(lock);
        ids.push(await holder.ran(outcome, FORGETFUL));
      }
    };
    const forget = async () => {
      await using holder = await bench.holder();
      await until("all have been forgotten but the newest", async () => {
        await holder.ledger.prune();
        return (await holder.ids()).length === 1;
      });
    };
    await take("succeeded");
    await forget();
    await take("failed");
    await forget();
    await restart();
    await take("succeeded");
    assert.deepEqual(ids, [...new Set(ids)].sort((a, b) => Number(a - b)));
  }, RESTARTS);
}
