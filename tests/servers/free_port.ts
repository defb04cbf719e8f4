/** Ports that nothing listens on. */

/** The ports that the kernel gives to connections and to listeners that name none: the first and the last. ip(7) */
const GIVEN_BY_KERNEL = "/proc/sys/net/ipv4/ip_local_port_range";

/** Those below are for services that many machines have. */
const FIRST = 10_240;

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
 * A TCP port that is free at this moment on every one of the given addresses. Tests that run together never get the same
 * one, and on Linux it is none that the kernel would give to a connection: a server that is away for a while finds it free
 * when it comes back. Still another program may take it, so whoever starts a server on it must be ready to try again.
 */
export function freePort(addresses: string[] = ["127.0.0.1"]): number {
  const first = firstOfKernel();
  for (let attempt = 0; attempt < 500; attempt++) {
    // Not Math.random, which some tests fix.
    const random = crypto.getRandomValues(new Uint16Array(1))[0]!;
    const wanted = first > FIRST ? FIRST + random % (first - FIRST) : 0;
    const port = listenOnAll(addresses, wanted);
    if (port !== undefined && reserve(port)) return port;
  }
  throw new Error(`no port is free on all of: ${addresses.join(", ")}`);
}

/** 0 where the kernel does not say. */
function firstOfKernel(): number {
  try {
    return parseInt(Deno.readTextFileSync(GIVEN_BY_KERNEL));
  } catch {
    return 0;
  }
}

/** Gives the port if it is free on all of them, on which none listens afterwards. */
function listenOnAll(addresses: string[], wanted: number): number | undefined {
  const listeners: Deno.Listener[] = [];
  try {
    let port = wanted;
    for (const hostname of addresses) {
      const listener = Deno.listen({ hostname, port });
      listeners.push(listener);
      port = listener.addr.port;
    }
    return port;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return undefined;
    throw error;
  } finally {
    for (const listener of listeners) listener.close();
  }
}

/** False if another test of this run has it, or has had it. */
function reserve(port: number): boolean {
  const shared = Deno.env.get("SERA_TEST_TEMPLATES");
  if (shared === undefined) return true;
  Deno.mkdirSync(`${shared}/ports`, { recursive: true });
  try {
    Deno.writeTextFileSync(`${shared}/ports/${port}`, "", { createNew: true });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
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
