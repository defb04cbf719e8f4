let listening = false;

/**
 * Makes sure that the ends of children can be waited for. Where sera was started with SIGCHLD ignored, as many daemons do
 * it, the kernel reaps them unseen, see waitpid(2), and their exit codes are lost.
 *
 * A child that is started before that and asks what is ignored has to be first: the runtime catches SIGHUP, SIGINT and
 * SIGTERM as soon as anybody listens to any signal.
 */
export function keepChildren(): void {
  if (listening || Deno.build.os === "windows") return;
  listening = true;
  Deno.addSignalListener("SIGCHLD", () => undefined);
}
