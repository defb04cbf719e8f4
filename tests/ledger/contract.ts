/** What the ledger has to do wherever it is kept. */

import { endTests } from "./ends.ts";
import { expiryTests } from "./expiry.ts";
import { idTests } from "./ids.ts";
import type { LedgerPlace } from "./places.ts";
import { ruleTests } from "./rules.ts";
import { textTests } from "./texts.ts";
import { versionTests } from "./versions.ts";

/** Defines the contract's tests. */
export function ledgerContract(place: LedgerPlace): void {
  ruleTests(place);
  textTests(place);
  endTests(place);
  expiryTests(place);
  versionTests(place);
  idTests(place);
}
