/** An HTTP server with releases in the places where GitHub has them. */

import config from "../../deno.json" with { type: "json" };

/** How the server damages the archives. */
export type Fault = "missing" | "cut off" | "changed";

/** A server with one release, the latest. Dispose of it to stop it. */
export class ReleaseServer implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** The paths that were asked for. */
  readonly asked: string[] = [];

  /**
   * @param folder The published files.
   * @param fault How to damage the archives, if at all.
   */
  constructor(folder: string, fault?: Fault) {
    const places = ["/latest/download/", `/download/v${config.version}/`];
    this.#server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => undefined }, async (request) => {
      const { pathname } = new URL(request.url);
      this.asked.push(pathname);
      const place = places.find((place) => pathname.startsWith(place));
      if (place === undefined) return new Response("Not Found", { status: 404 });
      const bytes = await Deno.readFile(`${folder}/${pathname.slice(place.length)}`);
      return fault === undefined || pathname.endsWith("/SHA256SUMS") ? new Response(bytes) : wrong(bytes, fault);
    });
  }

  /** Where the releases are. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function wrong(bytes: Uint8Array<ArrayBuffer>, fault: Fault): Response {
  if (fault === "missing") return new Response("Not Found", { status: 404 });
  if (fault === "changed") return new Response(bytes.map((byte, index) => index === 100 ? byte ^ 1 : byte));
  const half = new Blob([bytes.subarray(0, bytes.length / 2)]).stream();
  return new Response(half, { headers: { "content-length": `${bytes.length}` } });
}
