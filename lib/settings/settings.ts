import type { Trouble } from "../errors.ts";
import type { LeaseTerms } from "../lock/lease.ts";
import type { LogSettings } from "../log/log_settings.ts";
import type { LedgerSettings } from "./ledger_settings.ts";
import type { Backend } from "../backends/backend.ts";

/** Everything that one run of sera goes by. */
export interface Settings {
  readonly server: Backend;
  /** PEM file with the CA that signed the server's certificate. */
  readonly tlsCa?: string | undefined;
  /** The lock's key, instead of the command's words. */
  readonly name?: string | undefined;
  /** The namespace that the key is in; only on PostgreSQL. */
  readonly namespace?: string | undefined;
  readonly waitAndSkip: boolean;
  readonly detailedExitCodes: boolean;
  readonly lease: LeaseTerms;
  /** How long a stopped command has between SIGTERM and SIGKILL, in milliseconds. */
  readonly grace: number;
  /** Whether a command goes on when its lock is lost. */
  readonly onLost: "terminate" | "warn";
  /** How long the command may run, in milliseconds. */
  readonly maxRun?: number | undefined;
  readonly allowUnsafeServer: boolean;
  /** How long the lock is kept at least, in milliseconds. */
  readonly minHold?: number | undefined;
  /** What others see of the command, instead of its first word. */
  readonly label?: string | undefined;
  readonly ledger: LedgerSettings;
  readonly logging: LogSettings;
  /** What is odd but harmless, and when verbose where the settings come from. */
  readonly notes: readonly Trouble[];
  /** Where a setting comes from: `--name`, `SERA_NAME`, or the config file's path; undefined for its default. */
  readonly sourceOf: (name: string) => string | undefined;
}
