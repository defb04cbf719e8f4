import { printable } from "../text/printable.ts";
import { deliverToSyslog, type Delivery } from "../log/syslog.ts";
import type { Finding } from "./report.ts";

/** Longer than a run waits, in milliseconds, so as not to mistake a busy machine for a daemon that accepts nothing. */
const TIMEOUT = 5000;

/**
 * Sends a test line to syslog as a run does. A failure is only a warning: a run would only lose its line.
 *
 * @param setting The path of the daemon's socket, or `true` for the usual one.
 */
export async function checkSyslog(setting: string | true): Promise<Finding> {
  const socket = setting === true ? undefined : setting;
  const send = (checked: boolean) =>
    deliverToSyslog(socket, "notice", "sera doctor | This is a test.", checked, TIMEOUT);
  const where = socket ?? "/dev/log";
  let delivery: Delivery = await send(true);
  if (delivery.outcome === "refused" && /option/i.test(delivery.said)) {
    // Some loggers, such as BusyBox's, cannot report errors of the socket.
    delivery = await send(false);
    if (delivery.outcome === "taken") {
      return { found: `a test line was sent to ${where}, but this logger(1) does not report whether it arrived` };
    }
  }
  switch (delivery.outcome) {
    case "taken":
      return { found: `a test line was sent to ${where}` };
    case "no logger":
      return {
        found: "there is no logger(1) in /usr/bin or /bin, so no message reaches syslog",
        cure: "install it (bsdutils, util-linux), or turn syslog off",
      };
    case "stuck":
      return {
        found: `the syslog daemon at ${where} accepts no message: each one costs a run half a second, and is lost`,
        cure: "check the syslog daemon, or turn syslog off",
      };
    case "refused": {
      const said = printable(delivery.said.split("\n")[0]!.replace(/^logger: /, "")) || "logger(1) failed";
      return {
        found: `no line reaches syslog: ${said}`,
        cure: "start the syslog daemon, set --syslog to the path of its socket, or turn syslog off",
      };
    }
  }
}
