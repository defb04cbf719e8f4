let listening = false;

/**
 * Makes sure that sera gets the exit codes of its children. If sera was started with SIGCHLD ignored, as by many daemons,
 * the kernel reaps children itself and their exit codes are lost; see waitpid(2).
 *
 * A child that has to see which signals are ignored must be started before this is called: as soon as a program listens to
 * any signal, Deno also catches SIGHUP, SIGINT and SIGTERM, and then they are no longer ignored.
 */
export function keepExitCodes(): void {
  if (listening || Deno.build.os === "windows") return;
  listening = true;
  Deno.addSignalListener("SIGCHLD", () => undefined);
}
