import type { Backend } from "../backends/backend.ts";
import type { Trouble } from "../errors.ts";
import type { LogSettings } from "../log/log_settings.ts";
import type { LedgerSettings } from "./ledger_settings.ts";
import type { SettingKey, Values } from "./table.ts";

/** The value of each setting, and what is derived from them. */
export interface Settings extends Omit<Values, "server" | "ledger"> {
  /** Where the lock lives. */
  readonly server: Backend;
  /** The names of several locks that are held together, in the order of the locks; `name` is the first one then. */
  readonly names?: readonly string[] | undefined;
  readonly ledger: LedgerSettings;
  readonly logging: LogSettings;
  /** Warnings; when verbose also where the settings come from. */
  readonly notes: readonly Trouble[];
  /** Where a setting comes from: `--name`, `SERA_NAME`, or the config file's path; undefined for its default. */
  readonly sourceOf: (key: SettingKey) => string | undefined;
}
