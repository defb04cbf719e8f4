/**
 * What sera was started with ignored, as nohup(1) does with SIGHUP. Only Linux tells, and only as long as nobody listens
 * to signals. A shell that was started before that has inherited it; it keeps it where it can be read when a signal comes:
 * in its umask, which it has no other use for. To ask at each start would take a process of its own.
 */

import { readProc } from "./proc.ts";

/**
 * The shell's first lines: signal n is bit n - 1 of the 33rd field of proc_pid_stat(5). After them it has to ignore HUP,
 * INT, QUIT and TERM itself.
 */
export const REMEMBER_IGNORED = `read -r stat </proc/self/stat
set -- $stat
umask 7$((\${33:-0} >> 14 & 1))$((\${33:-0} & 7))`;

/** What the shell has set, and ignored, once it has come so far. Before that, the caller's umask may look the same. */
const SET = 0o700;
const IGNORED = 0x4007;

/** The signals in the last two digits of the umask. */
const IN_UMASK: readonly (readonly [bit: number, signal: Deno.Signal])[] = [
  [0o01, "SIGHUP"],
  [0o02, "SIGINT"],
  [0o04, "SIGQUIT"],
  [0o10, "SIGTERM"],
];

/** How often to look again at a shell that has only just been started; a look takes about as long as its start. */
const LOOKS = 50;

/**
 * Of HUP, INT, QUIT and TERM those that are remembered; none where that cannot be told.
 *
 * @param pid The shell's number.
 */
export function rememberedIgnored(pid: number): ReadonlySet<Deno.Signal> {
  for (let look = 0; look < LOOKS; look++) {
    const status = new TextDecoder().decode(readProc(`${pid}/status`));
    const [, octal, hexadecimal] = /^Umask:\s*([0-7]+)$.*^SigIgn:\s*([0-9a-f]+)$/ms.exec(status) ?? [];
    // It has been killed, or this is not Linux.
    if (octal === undefined || hexadecimal === undefined) break;
    const umask = parseInt(octal, 8);
    // The last digits are those of the first 32 signals.
    const ignored = parseInt(hexadecimal.slice(-8), 16);
    if (umask >= SET && (ignored & IGNORED) === IGNORED) {
      return new Set(IN_UMASK.filter(([bit]) => (umask & bit) !== 0).map(([, signal]) => signal));
    }
  }
  return new Set();
}
