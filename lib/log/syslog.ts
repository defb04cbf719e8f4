import { keepChildren } from "../system/children.ts";
import { within } from "../waiting.ts";
import { printable } from "../text/printable.ts";

/** Of a longer line logger(1) makes several, at 1 KiB; in bytes. */
const LONGEST_MESSAGE = 1000;

/**
 * Where logger(1) is, of all places that only the administrator can write to; the last one is NixOS's. What PATH names may
 * be somebody else's, and sera is often root.
 */
const PLACES = ["/usr/bin/logger", "/bin/logger", "/run/current-system/sw/bin/logger"];

/** How long a daemon that takes nothing may hold sera up, in milliseconds. */
const PATIENCE = 500;

/**
 * Sends one line to syslog with the tag `sera[pid]`, through logger(1): the runtime keeps sockets below /dev for programs
 * that may do everything, and sera may not. A daemon or a logger that is missing or stuck costs the line and at most half
 * a second: it must never decide about the command.
 *
 * @param socket The path of the daemon's socket; undefined is logger's own default, /dev/log.
 * @param severity As syslog names it; the facility is `user`.
 */
export async function sendToSyslog(
  socket: string | undefined,
  severity: "err" | "notice",
  message: string,
): Promise<void> {
  await deliverToSyslog(socket, severity, message);
}

/**
 * Does what {@linkcode sendToSyslog} does, and says what became of it.
 *
 * @param checked Whether logger is to tell of a daemon that it cannot reach, which some loggers cannot.
 * @param patience How long to wait for the daemon, in milliseconds.
 */
export async function deliverToSyslog(
  socket: string | undefined,
  severity: "err" | "notice",
  message: string,
  checked = false,
  patience = PATIENCE,
): Promise<Delivery> {
  const options = [...socket === undefined ? [] : ["-u", socket], ...checked ? ["--socket-errors=on"] : []];
  keepChildren();
  const logger = startLogger(["-t", `sera[${Deno.pid}]`, "-p", `user.${severity}`, ...options], checked);
  if (!logger) return { outcome: "no logger" };
  const status = logger.status.then(({ success }) => success, () => false);
  const said = checked ? new Response(logger.stderr).text().catch(() => "") : "";
  // Through its stdin: arguments would show in the process list. It may end before it has read.
  const line = new TextEncoder().encode(`${shorten(printable(message))}\n`);
  const written = new Blob([line]).stream().pipeTo(logger.stdin).catch(() => undefined);
  const isStuck = await within(patience, status) === undefined;
  if (isStuck) logger.kill("SIGKILL");
  const [success] = await Promise.all([status, written]);
  if (isStuck) return { outcome: "stuck" };
  return success ? { outcome: "taken" } : { outcome: "refused", said: await said };
}

/** What became of a line; unless that was checked, `taken` may be said of one that nobody got. */
export type Delivery =
  | { readonly outcome: "taken" | "stuck" | "no logger" }
  | { readonly outcome: "refused"; readonly said: string };

/** Starts the first logger that there is, without sera's environment, which may hold a password. */
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
      // One that cannot be started, for whatever reason, costs the line.
      if (error instanceof Error) return undefined;
      throw error;
    }
  }
  return undefined;
}

/** Leaves out the middle: the begin tells which command it was, the end what happened. */
function shorten(text: string): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= LONGEST_MESSAGE) return text;
  const part = (from: number, to?: number) =>
    new TextDecoder().decode(bytes.subarray(from, to)).replaceAll("\ufffd", "");
  return `${part(0, LONGEST_MESSAGE / 2 - 5)} [...] ${part(5 - LONGEST_MESSAGE / 2)}`;
}
