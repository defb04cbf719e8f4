/** The contract of every ledger. */

import { clockTests } from "./clocks.ts";
import { endTests } from "./ends.ts";
import { expiryTests } from "./expiry.ts";
import { forgettingTests } from "./forgetting.ts";
import { idTests } from "./ids.ts";
import type { LedgerPlace } from "./places.ts";
import { rowTests } from "./rows.ts";
import { ruleTests } from "./rules.ts";
import { type RunPlace, runPlace } from "./run_bench.ts";
import { slotTests } from "./slots.ts";
import { textTests } from "./texts.ts";
import { versionTests } from "./versions.ts";
import { viewTests } from "./views.ts";

/** Defines the contract's tests for a ledger in a table. */
export function ledgerContract(place: LedgerPlace): void {
  runContract(runPlace(place));
  clockTests(runPlace(place));
  rowTests(place);
  versionTests(place);
}

/** Defines the tests for ledgers that may lack a table and a clock of their own. */
export function runContract(place: RunPlace): void {
  ruleTests(place);
  textTests(place);
  endTests(place);
  expiryTests(place);
  idTests(place);
  forgettingTests(place);
  viewTests(place);
  slotTests(place);
}
