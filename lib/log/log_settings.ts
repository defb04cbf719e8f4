/** How one line is written: for people, or as an object of JSON. */
export type LogFormat = "text" | "json";

/** How sera says what happens. */
export interface LogSettings {
  /** Where to say what happens; undefined keeps silent. */
  readonly verbose?: "stdout" | "stderr" | undefined;
  /** Whether to send errors and failed attempts to syslog, or the path of the socket to send them to. */
  readonly syslog?: boolean | string;
  readonly format: LogFormat;
}
