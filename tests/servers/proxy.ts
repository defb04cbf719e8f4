/** A wire between clients and a server that can be slowed down, held up and cut, and that counts round trips. */

import { connect, createServer, type Server, Socket } from "node:net";
import { freePort } from "./free_port.ts";
import { RoundTrips } from "./round_trips.ts";

/** Which way bytes go. */
export type Direction = "toServer" | "toClient";

/** Why {@linkcode Proxy.reset} cannot work here, if so. */
export const resetUnavailable: string | undefined = "resetAndDestroy" in Socket.prototype
  ? undefined
  : "this runtime cannot reset a connection (SO_LINGER)";

/** What waits to be passed on, and since when it may be. `end` is a FIN, `close` the end of both directions. */
interface Parcel {
  readonly content: Uint8Array | "end" | "close";
  readonly due: number;
  readonly step: number;
}

/** What counts the round trips on one direction. */
interface Counter {
  /** Something has come; returns the round trip that it belongs to. */
  readonly came: (content: Parcel["content"]) => number;
  /** It has been passed on. */
  readonly passed: (step: number, content: Parcel["content"]) => void;
}

/** One direction of one connection. */
class Flow {
  readonly #to: Socket;
  readonly #counter: Counter;
  readonly #parcels: Parcel[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stalled: boolean;
  /** Takes the next bytes instead of the receiver. */
  divert: (() => void) | undefined;

  constructor(from: Socket, to: Socket, stalled: boolean, delay: () => number, counter: Counter) {
    this.#to = to;
    this.#counter = counter;
    this.#stalled = stalled;
    const take = (content: Parcel["content"]) => {
      this.#parcels.push({ content, due: performance.now() + delay(), step: counter.came(content) });
      this.#pump();
    };
    from.on("data", (chunk: Uint8Array) => {
      const { divert } = this;
      this.divert = undefined;
      if (divert) divert();
      else take(chunk);
    });
    from.on("end", () => take("end"));
    from.on("close", () => take("close"));
    // The close that follows tells of it.
    from.on("error", () => undefined);
  }

  set stalled(stalled: boolean) {
    this.#stalled = stalled;
    this.#pump();
  }

  /** Forgets what has not been passed on, and passes nothing on any more. */
  drop(): void {
    this.#stalled = true;
    this.#parcels.length = 0;
    clearTimeout(this.#timer);
  }

  #pump(): void {
    clearTimeout(this.#timer);
    while (!this.#stalled && this.#parcels.length > 0) {
      const { content, due, step } = this.#parcels[0]!;
      const early = due - performance.now();
      if (early > 0) {
        this.#timer = setTimeout(() => this.#pump(), early);
        return;
      }
      this.#parcels.shift();
      this.#counter.passed(step, content);
      if (content === "close") this.#to.destroy();
      else if (content === "end") this.#to.end();
      else if (this.#to.writable) this.#to.write(content);
    }
  }
}

/** A client's connection and the one to the server that belongs to it. */
interface Link {
  readonly client: Socket;
  readonly server: Socket;
  readonly flows: Readonly<Record<Direction, Flow>>;
}

/** Listens on its own port until disposed of. Methods apply to all current connections. */
export class Proxy implements AsyncDisposable {
  /** How long every byte is on its way, each way, in milliseconds. */
  delay = 0;
  /** When something came from a client, on the clock of `performance.now()`. */
  readonly requests: number[] = [];
  /** How many connections there have been. */
  accepted = 0;
  /** Those of the clients there have been, which count as one program. */
  roundTrips = new RoundTrips();
  /** The server's port on 127.0.0.1, for new connections; those that are there stay where they are. */
  target: number;
  readonly #stalled = new Set<Direction>();
  #links: Link[] = [];
  #listener: Server | undefined;
  readonly #hostname: string;
  readonly #port: number;

  private constructor(target: number, hostname: string) {
    this.target = target;
    this.#hostname = hostname;
    this.#port = freePort([hostname]);
  }

  /**
   * @param target The server's port on 127.0.0.1.
   * @param hostname The address of this machine to listen on.
   */
  static async open(target: number, hostname = "127.0.0.1"): Promise<Proxy> {
    const proxy = new Proxy(target, hostname);
    await proxy.accept();
    return proxy;
  }

  /** The port to connect to instead of the server's. */
  get port(): number {
    return this.#port;
  }

  /** A `server` setting that leads here, from one that leads to the server. */
  instead(server: string): string {
    return server.replace(`:${this.target}`, `:${this.port}`);
  }

  /** Lets no byte pass any more, not even the news that a side has closed; connections stay open, also new ones. */
  stall(...directions: Direction[]): void {
    for (const direction of directions.length > 0 ? directions : BOTH) this.#stalled.add(direction);
    this.#direct();
  }

  /** Lets pass what has been held up, and all that follows. */
  resume(): void {
    this.#stalled.clear();
    this.#direct();
  }

  /** Closes both sides in order. */
  cut(): void {
    for (const { client, server } of this.#take()) {
      client.destroy();
      server.destroy();
    }
  }

  /** Closes both sides, the client's with a reset. */
  reset(): void {
    for (const { client, server } of this.#take()) {
      client.resetAndDestroy();
      server.destroy();
    }
  }

  /** Closes one side properly; the other one stays open, without answers. */
  close(side: "client" | "server"): void {
    for (const link of this.#links) {
      for (const direction of BOTH) link.flows[direction].drop();
      link[side].destroy();
    }
  }

  /** Says something to the clients that the server has not said. */
  inject(bytes: Uint8Array): void {
    for (const { client } of this.#links) client.write(bytes);
  }

  /** Says something to the server that the one client has not said; the client does not see the answer. */
  async smuggle(bytes: Uint8Array): Promise<void> {
    const [link] = this.#links;
    const answered = new Promise<void>((resolve) => link!.flows.toClient.divert = resolve);
    link!.server.write(bytes);
    await answered;
  }

  /** Refuses new connections; current ones stay. */
  refuse(): void {
    this.#listener?.close();
    this.#listener = undefined;
  }

  /** Lets clients connect again, on the same port. */
  async accept(): Promise<void> {
    const listener = createServer({ allowHalfOpen: true }, (client) => this.#connect(client));
    await new Promise<void>((resolve, reject) => {
      listener.once("error", reject);
      listener.listen(this.#port, this.#hostname, resolve);
    });
    this.#listener = listener;
  }

  // deno-lint-ignore require-await
  async [Symbol.asyncDispose](): Promise<void> {
    this.refuse();
    this.cut();
  }

  #connect(client: Socket): void {
    this.accepted++;
    const server = connect({ host: "127.0.0.1", port: this.target, allowHalfOpen: true });
    for (const socket of [client, server]) socket.setNoDelay(true);
    const delay = () => this.delay;
    const steps = this.roundTrips.connection();
    // One that has said that it sends nothing more does not wait for the server's end of the connection.
    let left = false;
    const toServer: Counter = {
      came: (content) => {
        if (typeof content !== "string") this.requests.push(performance.now());
        else left = true;
        return typeof content === "string" ? 0 : steps.sent(content);
      },
      passed: steps.toldServer,
    };
    const toClient: Counter = {
      came: steps.answeredWith,
      passed: (step) => left || steps.toldClient(step),
    };
    const flows = {
      toServer: new Flow(client, server, this.#stalled.has("toServer"), delay, toServer),
      toClient: new Flow(server, client, this.#stalled.has("toClient"), delay, toClient),
    };
    this.#links.push({ client, server, flows });
  }

  #direct(): void {
    for (const { flows } of this.#links) {
      for (const direction of BOTH) flows[direction].stalled = this.#stalled.has(direction);
    }
  }

  /** The connections, which are given up. */
  #take(): Link[] {
    const links = this.#links;
    this.#links = [];
    for (const { flows } of links) for (const direction of BOTH) flows[direction].drop();
    return links;
  }
}

const BOTH: readonly Direction[] = ["toServer", "toClient"];
