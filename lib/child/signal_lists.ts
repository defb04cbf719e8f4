/** The signals that sera handles, and what it does with each. */

/** Signals that end sera while it waits. */
export const ENDING: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"];

/** Other signals that would end sera by default, and are passed on too. */
const DEADLY: readonly Deno.Signal[] = [
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGVTALRM",
  "SIGPROF",
  "SIGIO",
  "SIGXCPU",
  "SIGXFSZ",
  "SIGTRAP",
  "SIGABRT",
  "SIGBUS",
  "SIGSYS",
];
const DEADLY_ON_LINUX: readonly Deno.Signal[] = ["SIGPWR", "SIGSTKFLT"];

/**
 * Signals that are passed on as SIGSTOP to a command with a session of its own. Its process group is orphaned, and the
 * kernel does not let these signals stop an orphaned group; SIGSTOP always works. tini and dumb-init do the same.
 */
export const STOPPING: readonly Deno.Signal[] = ["SIGTSTP", "SIGTTIN", "SIGTTOU"];

/** Signals to catch before the command starts, since they would end or stop sera instead of it. */
export function caughtBefore(ownSession: boolean): readonly Deno.Signal[] {
  if (Deno.build.os === "windows") return [];
  const onLinux = Deno.build.os === "linux" ? DEADLY_ON_LINUX : [];
  // In a shared group the same signal stops the command too.
  return [...DEADLY, ...onLinux, ...(ownSession ? STOPPING : [])];
}

/**
 * Signals to catch right after the command's start. By default they do nothing to sera, and each listener delays the
 * start.
 */
export function caughtAfter(ownSession: boolean): readonly Deno.Signal[] {
  if (Deno.build.os === "windows") return [];
  return ownSession ? ["SIGURG", "SIGCONT", "SIGWINCH"] : ["SIGURG"];
}

/** The numbers of {@linkcode ENDING}, the same on all systems that sera runs on. POSIX, kill(1). */
export const ENDING_NUMBERS: Partial<Record<Deno.Signal, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGTERM: 15,
};

/** Linux's numbers, on the processors that sera runs on. signal(7) */
const LINUX_NUMBERS: Partial<Record<Deno.Signal, number>> = {
  ...ENDING_NUMBERS,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGALRM: 14,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
};

/** The number of a signal, as used by shells and /proc; undefined if not known on this system. */
export function numberOf(signal: Deno.Signal): number | undefined {
  return (Deno.build.os === "linux" ? LINUX_NUMBERS : ENDING_NUMBERS)[signal];
}

/** The signals of a mask in which number n is bit n - 1, as in proc_pid_stat(5). */
export function signalsIn(mask: number): ReadonlySet<Deno.Signal> {
  const all = Object.entries(LINUX_NUMBERS) as [Deno.Signal, number][];
  return new Set(all.filter(([, number]) => (mask >>> (number - 1)) & 1).map(([signal]) => signal));
}
