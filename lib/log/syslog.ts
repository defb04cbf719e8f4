import { keepExitCodes } from "../system/children.ts";
import { within } from "../waiting.ts";
import { printable } from "../text/printable.ts";

/** The longest line in bytes; logger(1) splits lines longer than 1 KiB. */
const MAX_LINE_SIZE = 1000;

/**
 * Where to look for logger(1): only places that only the administrator can write to; the last one is NixOS's. A program
 * from PATH may be somebody else's, and sera often runs as root.
 */
const PLACES = ["/usr/bin/logger", "/bin/logger", "/run/current-system/sw/bin/logger"];

/** How long to wait for a daemon that accepts nothing, in milliseconds. */
const TIMEOUT = 500;

/**
 * Sends one line to syslog with the tag `sera[pid]`, through logger(1): Deno lets a program open sockets below /dev only
 * with all permissions, which sera does not have. If the daemon or logger is missing or stuck, the line is lost and sera
 * waits half a second at most: syslog must never affect the command.
 *
 * @param socket The path of the daemon's socket; undefined for logger's default, /dev/log.
 * @param severity The syslog severity; the facility is `user`.
 */
export async function sendToSyslog(
  socket: string | undefined,
  severity: "err" | "notice",
  message: string,
): Promise<void> {
  await deliverToSyslog(socket, severity, message);
}

/**
 * As {@linkcode sendToSyslog}, but reports whether that worked.
 *
 * @param checked Whether logger is to report a daemon that it cannot reach, which some loggers cannot.
 * @param timeout How long to wait for the daemon, in milliseconds.
 */
export async function deliverToSyslog(
  socket: string | undefined,
  severity: "err" | "notice",
  message: string,
  checked = false,
  timeout = TIMEOUT,
): Promise<Delivery> {
  const options = [...socket === undefined ? [] : ["-u", socket], ...checked ? ["--socket-errors=on"] : []];
  keepExitCodes();
  const logger = startLogger(["-t", `sera[${Deno.pid}]`, "-p", `user.${severity}`, ...options], checked);
  if (!logger) return { outcome: "no logger" };
  const status = logger.status.then(({ success }) => success, () => false);
  const said = checked ? new Response(logger.stderr).text().catch(() => "") : "";
  // Through its stdin, since the process list shows arguments. It may end before it has read the line.
  const line = new TextEncoder().encode(`${shorten(printable(message))}\n`);
  const written = new Blob([line]).stream().pipeTo(logger.stdin).catch(() => undefined);
  const isStuck = await within(timeout, status) === undefined;
  if (isStuck) logger.kill("SIGKILL");
  const [success] = await Promise.all([status, written]);
  if (isStuck) return { outcome: "stuck" };
  return success ? { outcome: "taken" } : { outcome: "refused", said: await said };
}

/** What became of a line. Without `checked`, a lost line may count as `taken`, too. */
export type Delivery =
  | { readonly outcome: "taken" | "stuck" | "no logger" }
  | { readonly outcome: "refused"; readonly said: string };

/** Starts the first logger that exists, without sera's environment, which may hold a password. */
function startLogger(args: string[], checked: boolean): Deno.ChildProcess | undefined {
  for (const place of PLACES) {
    try {
      return new Deno.Command(place, {
        args,
        cwd: "/",
        clearEnv: true,
        stdin: "piped",
        stdout: "null",
        stderr: checked ? "piped" : "null",
      }).spawn();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) continue;
      // If it cannot be started, for whatever reason, the line is lost.
      if (error instanceof Error) return undefined;
      throw error;
    }
  }
  return undefined;
}

/** Cuts out the middle of a long line: its start names the command, its end says what happened. */
function shorten(text: string): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= MAX_LINE_SIZE) return text;
  const part = (from: number, to?: number) =>
    new TextDecoder().decode(bytes.subarray(from, to)).replaceAll("\ufffd", "");
  return `${part(0, MAX_LINE_SIZE / 2 - 5)} [...] ${part(5 - MAX_LINE_SIZE / 2)}`;
}
