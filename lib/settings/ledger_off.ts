import type { SeraError } from "../errors.ts";
import { namedSetting } from "./named_setting.ts";
import type { Find } from "./setting_values.ts";
import { TABLE } from "./table.ts";

/** The error about a rule while the ledger is turned off. Both have been set. */
export function ledgerOff(rule: "once" | "every", find: Find): SeraError {
  const { source, error } = find("ledger")!;
  const shown = namedSetting(TABLE[rule], find(rule)!.source);
  const off = namedSetting(TABLE.ledger, source);
  return new error(
    `Cannot use ${shown}: the ledger is turned off by ${off.startsWith("--") ? `${off}=false` : off}`,
    `turn the ledger on there, or leave ${shown} out`,
  );
}
