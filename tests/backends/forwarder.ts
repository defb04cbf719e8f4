/** An address that leads to one server now and to another one later, as a cluster's virtual address does. */

/** Where a server listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Passes connections on to a server until it is disposed of. */
export class Forwarder implements Disposable {
  /** Where new connections go; those that are there stay where they are. */
  target: Address;
  /** How many connections there have been. */
  connections = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();

  constructor(target: Address) {
    this.target = target;
    this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** A `server` setting that leads here, from one that leads to a server. */
  instead(server: { readonly port: number; dsn(): string }): string {
    return server.dsn().replace(`:${server.port})`, `:${this.port})`);
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#open) closeQuietly(connection);
  }

  async #accept(): Promise<void> {
    try {
      for await (const client of this.#listener) {
        this.connections++;
        this.#forward(client, this.target);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #forward(client: Deno.Conn, { host: hostname, port }: Address): Promise<void> {
    this.#open.add(client);
    let server: Deno.Conn | undefined;
    try {
      server = await Deno.connect({ hostname, port });
      this.#open.add(server);
      // When one side ends, the other one does.
      await Promise.race([client.readable.pipeTo(server.writable), server.readable.pipeTo(client.writable)]);
    } catch {
      // Nobody listens there, or one side has gone; the other one is told below.
    } finally {
      for (const connection of [client, server]) if (connection) closeQuietly(connection);
    }
  }
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
