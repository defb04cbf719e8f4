/** The format of a line: text for people, or a JSON object. */
export type LogFormat = "text" | "json";

/** What sera logs, where, and how. */
export interface LogSettings {
  /** Where to write progress messages; undefined: nowhere. */
  readonly verbose?: "stdout" | "stderr" | undefined;
  /** Whether to send errors and failed attempts to syslog, or the path of syslog's socket. */
  readonly syslog?: boolean | string;
  readonly format: LogFormat;
  /** Whether a person at the terminal is told about errors only. */
  readonly quiet?: boolean;
}
