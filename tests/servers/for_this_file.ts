/** Servers for all tests of a file. */

/** What there is to start before the first test, all at the same time, and to stop after the last. */
const servers: { readonly start: () => Promise<void>; readonly stop: () => Promise<void> }[] = [];

/**
 * Starts a server before the first test of the file that calls this, and stops it, or gives it back, after the last.
 *
 * @param missing Why it cannot be started, if so; then it is not, and its tests have to be left out.
 * @returns What gives the server, within a test.
 */
export function forThisFile<S extends { stop(): Promise<void> }>(
  missing: string | undefined,
  start: () => Promise<S>,
): () => S {
  let server: S | undefined;
  if (missing === undefined) {
    if (servers.length === 0) {
      Deno.test.beforeAll(() => forAll((one) => one.start()));
      Deno.test.afterAll(() => forAll((one) => one.stop()));
    }
    servers.push({
      async start() {
        server = await start();
      },
      async stop() {
        await server?.stop();
      },
    });
  }
  return () => {
    if (server === undefined) throw new Error(missing ?? "there is no server before the first test");
    return server;
  };
}

/** One that fails keeps none of the others from being started, and later stopped. */
async function forAll(act: (server: (typeof servers)[number]) => Promise<void>): Promise<void> {
  const failed = (await Promise.allSettled(servers.map(act))).find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}
