import type { FlagSyntax } from "./flag.ts";

/** One setting: the same name serves as flag, as environment variable and as key of the config file. */
export interface SettingSpec extends FlagSyntax {
  /** Whether it makes sense in the config file; the rest says something about one run only. */
  readonly inConfig: boolean;
  /** Whether it only says how a run goes, so that a subcommand which looks at locks or runs has no use for it. */
  readonly ofRun?: true;
}

/**
 * All settings, in the order in which `--help` shows them. The flags, the environment and the config file follow it. What
 * people read of them is in `setting_words.ts`, which a run does not load.
 */
export const SETTINGS: readonly SettingSpec[] = [
  { name: "config", kind: "file", inConfig: false },
  { name: "server", kind: "text", inConfig: true },
  { name: "tls-ca", kind: "file", inConfig: true },
  { name: "name", kind: "text", inConfig: false },
  { name: "namespace", kind: "text", inConfig: true },
  { name: "wait-and-skip", kind: "boolean", inConfig: false, ofRun: true },
  { name: "detailed-exit-codes", kind: "boolean", inConfig: false, ofRun: true },
  { name: "once", kind: "text", inConfig: false, ofRun: true },
  { name: "every", alias: "once-per", kind: "duration", inConfig: false, ofRun: true },
  { name: "count-failures", kind: "boolean", inConfig: false, ofRun: true },
  { name: "min-hold", kind: "duration", inConfig: true, ofRun: true },
  { name: "label", kind: "text", inConfig: false, ofRun: true },
  { name: "ledger", kind: "boolean", inConfig: true },
  { name: "ledger-table", kind: "text", inConfig: true },
  { name: "keep-history", kind: "duration", inConfig: true, ofRun: true },
  { name: "record-skips", kind: "boolean", inConfig: true, ofRun: true },
  { name: "ttl", kind: "duration", inConfig: true },
  { name: "grace", kind: "duration", inConfig: true, ofRun: true },
  { name: "on-lost", kind: "word", words: ["terminate", "warn"], inConfig: true, ofRun: true },
  { name: "max-run", kind: "duration", inConfig: true, ofRun: true },
  { name: "allow-unsafe-server", kind: "boolean", inConfig: true },
  { name: "verbose", kind: "boolean-or-word", words: ["stdout", "stderr"], inConfig: true, ofRun: true },
  { name: "syslog", kind: "boolean-or-path", inConfig: true, ofRun: true },
  { name: "log-format", kind: "word", words: ["text", "json"], inConfig: true },
];

/** The other name of a setting, if it has one. */
export function aliasOf(setting: string): string | undefined {
  return SETTINGS.find(({ name }) => name === setting)?.alias;
}

/** The environment variable of a setting, for example `SERA_WAIT_AND_SKIP`. */
export function environmentName(setting: string): string {
  return `SERA_${setting.toUpperCase().replaceAll("-", "_")}`;
}
