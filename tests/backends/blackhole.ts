/** An address that neither accepts nor refuses. */

/** Longer than the kernel takes to complete a connection to this machine, and shorter than its second try. */
const PATIENCE_MS = 300;

/** A TCP port whose queue of connections is full, so that Linux does not answer a new one. */
export class Blackhole implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections: Deno.Conn[] = [];
  #unanswered: Promise<Deno.Conn | undefined> | undefined;

  /** Fills the queue. */
  static async open(): Promise<Blackhole> {
    const blackhole = new Blackhole();
    await blackhole.#fill();
    return blackhole;
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /**
   * How many sockets have asked for a connection, and wait for an answer. Linux lists the other end's address, and the state
   * SYN_SENT. proc(5), /proc/net/tcp
   */
  get unanswered(): number {
    const remote = `:${this.port.toString(16).toUpperCase().padStart(4, "0")}`;
    const sockets = Deno.readTextFileSync("/proc/net/tcp").split("\n").map((line) => line.trim().split(/\s+/));
    return sockets.filter(([, , to, state]) => to?.endsWith(remote) && state === "02").length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
    (await this.#unanswered)?.close();
  }

  async #fill(): Promise<void> {
    for (;;) {
      const connecting = Deno.connect({ hostname: "127.0.0.1", port: this.port }).catch(() => undefined);
      let timer;
      const late = new Promise<"late">((resolve) => timer = setTimeout(resolve, PATIENCE_MS, "late" as const));
      const connection = await Promise.race([connecting, late]);
      clearTimeout(timer);
      // A process that was starved may not have heard of it yet.
      if (connection === "late" && this.unanswered > 0) {
        this.#unanswered = connecting;
        return;
      }
      const made = connection === "late" ? await connecting : connection;
      if (made) this.#connections.push(made);
    }
  }
}
