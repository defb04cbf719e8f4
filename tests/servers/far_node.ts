/** A node in its own network namespace, with a link that can be cut without either side noticing. */

import { findProgram, runTool } from "./tool.ts";

const PROBE =
  'ip netns add "$1" && ip link add "$1" type veth peer name cable netns "$1"; made=$?; ip netns del "$1"; exit $made';

/** Why {@linkcode FarNode.join} cannot work here, if so: not every container may make networks and cables. */
export const farNodeUnavailable: string | undefined = whyNot();

function whyNot(): string | undefined {
  if (Deno.build.os !== "linux") return "this is not Linux";
  if (Deno.uid() !== 0) return "this is not root";
  if (!findProgram("ip")) return "ip was not found: scripts/test installs it";
  const { success, stderr } = new Deno.Command("sh", { args: ["-c", PROBE, "sh", `s${Deno.pid}p`] }).outputSync();
  return success ? undefined : `ip does not work here: ${new TextDecoder().decode(stderr).trim().split("\n")[0]}`;
}

const NOBODY = "02:00:00:00:00:99";

/** How many networks of four addresses there are in 198.18.0.0/15, which is for tests. RFC 2544 */
const NETWORKS = 2 ** 15;

function addressOf(number: number): string {
  return [198, 18 + (number >> 16), (number >> 8) & 255, number & 255].join(".");
}

/** A node of its own. Dispose of it when nothing runs there any more. */
export class FarNode implements AsyncDisposable {
  readonly #id = `${Deno.pid % 10_000}${Math.floor(Math.random() * 1000)}`;
  /** One of so many that nodes of other tests hardly have the same. */
  readonly #net = 4 * Math.floor(Math.random() * NETWORKS);
  readonly #namespace = `sera-${this.#id}`;
  readonly #cable = `s${this.#id}`;
  /** This machine's address, as the node reaches it. */
  readonly here = addressOf(this.#net + 1);
  /** The node's address. */
  readonly there = addressOf(this.#net + 2);
  /** The words that start a program on the node; they become it with `exec`. */
  readonly launcher = ["ip", "netns", "exec", this.#namespace];

  private constructor() {}

  /** Makes a node and joins it to this one. */
  static async join(): Promise<FarNode> {
    const node = new FarNode();
    await ip("netns", "add", node.#namespace);
    await ip("link", "add", node.#cable, "type", "veth", "peer", "name", "cable", "netns", node.#namespace);
    await ip("addr", "add", `${node.here}/30`, "dev", node.#cable);
    await ip("link", "set", node.#cable, "up");
    await ip("-n", node.#namespace, "link", "set", "lo", "up");
    await ip("-n", node.#namespace, "addr", "add", `${node.there}/30`, "dev", "cable");
    await ip("-n", node.#namespace, "link", "set", "cable", "up");
    return node;
  }

  /**
   * Cuts the cable. Connections stay open on both sides, and hear nothing any more. Each side sends to a hardware address
   * that is nobody's: a link that is down would tell programs of it, or let them go another way.
   */
  async cut(): Promise<void> {
    await ip("neigh", "replace", this.there, "lladdr", NOBODY, "nud", "permanent", "dev", this.#cable);
    await ip(
      "-n",
      this.#namespace,
      "neigh",
      "replace",
      this.here,
      "lladdr",
      NOBODY,
      "nud",
      "permanent",
      "dev",
      "cable",
    );
  }

  /** Joins the cable again: connections that are still open go on. */
  async rejoin(): Promise<void> {
    await ip("neigh", "del", this.there, "dev", this.#cable);
    await ip("-n", this.#namespace, "neigh", "del", this.here, "dev", "cable");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The namespace itself stays until its last socket has gone.
    await ip("link", "del", this.#cable);
    await ip("netns", "del", this.#namespace);
  }
}

function ip(...args: string[]): Promise<void> {
  return runTool("ip", args);
}
