import type { Node } from "./server.ts";

/** One connection of a client's. */
export class Connection {
  /** Whether the server still serves it. */
  isOpen = true;

  /** @param broken To be called when the server has ended it. */
  constructor(readonly node: Node, readonly broken: () => void) {}

  get isServed(): boolean {
    return this.isOpen && this.node.isUp;
  }
}

/** The session lock of a primary: it is held by a connection, and goes with it. */
export class Sessions {
  readonly all = new Set<Connection>();
  #holder: Connection | undefined;
  readonly #queue: { readonly connection: Connection; readonly granted: () => void }[] = [];

  open(node: Node, broken: () => void): Connection {
    const connection = new Connection(node, broken);
    this.all.add(connection);
    return connection;
  }

  /** Asks for the session lock. Returns whether it is free; else `granted` is called later, if one is given. */
  ask(connection: Connection, granted?: () => void): boolean {
    if (this.#holder === undefined) this.#holder = connection;
    if (this.#holder === connection) return true;
    if (granted) this.#queue.push({ connection, granted });
    return false;
  }

  /** Ends a connection from the server's side, which its client may notice. */
  break(connection: Connection): void {
    this.close(connection);
    connection.broken();
  }

  /** Ends a connection. */
  close(connection: Connection): void {
    connection.isOpen = false;
    this.all.delete(connection);
    if (this.#holder !== connection) return;
    this.#holder = undefined;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      if (!next.connection.isOpen) continue;
      this.#holder = next.connection;
      return next.granted();
    }
  }
}
