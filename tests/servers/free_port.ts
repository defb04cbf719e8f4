/** Ports that nothing listens on. */

/** Whether this machine can listen on `::1`. */
export function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

/**
 * A TCP port that is free at this moment on every one of the given addresses. Another program may take it before it is
 * used, so a server that fails to start on it must be retried on another one.
 */
export function freePort(addresses: string[] = ["127.0.0.1"]): number {
  for (let attempt = 0; attempt < 50; attempt++) {
    const listeners: Deno.Listener[] = [];
    try {
      let port = 0;
      for (const hostname of addresses) {
        const listener = Deno.listen({ hostname, port });
        listeners.push(listener);
        port = listener.addr.port;
      }
      return port;
    } catch (error) {
      // Free on the first address and taken on the second: the next attempt gets another one.
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    } finally {
      for (const listener of listeners) listener.close();
    }
  }
  throw new Error(`no port is free on all of: ${addresses.join(", ")}`);
}

/**
 * Starts a server on a port that is free on every one of the given addresses. Should another program take the port
 * first, so that the server fails with a message that says so, it tries others.
 */
export async function onFreePort<T>(
  addresses: string[],
  start: (port: number) => Promise<T>,
): Promise<{ port: number; started: T }> {
  for (let attempt = 1;; attempt++) {
    const port = freePort(addresses);
    try {
      return { port, started: await start(port) };
    } catch (error) {
      if (attempt === 3 || !/address already in use/i.test(String(error))) throw error;
    }
  }
}
