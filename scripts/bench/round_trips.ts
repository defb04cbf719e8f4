import { Proxy } from "../../tests/servers/proxy.ts";
import { RoundTrips } from "../../tests/servers/round_trips.ts";
import { type Bed, byName } from "./bed.ts";
import { hyperfine } from "./hyperfine.ts";
import { goSera, heimdall } from "./peers.ts";
import type { Table } from "./report.ts";
import { inTurn, type Sample } from "./rounds.ts";
import type { Servers } from "./servers.ts";
import type { Words } from "./words.ts";

/** How long a round trip takes to a server that is far away, in milliseconds. */
export const FAR = 50;
/** More rounds would add nothing: a delay is the same each time. */
const MAX_ROUNDS = 5;

/** A program that runs `true` while it holds a lock on a server. */
interface Traveller {
  readonly name: string;
  /** The server's port. */
  readonly port: number;
  /** The words that run it, for a server that listens on another port. */
  words(port: number): Words;
}

/** How much longer a run takes for each round trip to its server, beside what sera replaces. */
export async function roundTrips({ programs, servers, rounds }: Bed): Promise<Table[]> {
  const travellers = await travellersOf(programs.sera, servers);
  return [{
    id: "roundtrips",
    title: `one run of true over a network where a round trip takes ${FAR} ms; to make a TCP connection takes no time`,
    columns: [
      { id: "near", title: "without delay", unit: "ms" },
      { id: "far", title: "with it", unit: "ms" },
      { id: "trips", title: "the difference", unit: "round trips" },
      { id: "counted", title: "counted by the proxy", unit: "round trips" },
    ],
    rows: await inTurn(byName(travellers, (traveller) => () => measureRoundTrips(traveller)), {
      rounds: Math.min(rounds, MAX_ROUNDS),
    }),
  }];
}

async function measureRoundTrips({ port, words }: Traveller): Promise<Sample> {
  await using proxy = await Proxy.open(port);
  const run = [...words(proxy.port), "true"];
  const near = (await hyperfine(run)).wall;
  // Half of it each way.
  proxy.delay = FAR / 2;
  const counted = proxy.roundTrips = new RoundTrips();
  const far = (await hyperfine(run)).wall;
  return { near, far, trips: (far - near) / FAR, counted: counted.answered };
}

/** sera with each kind of server, and with all that it can record there; and the programs that it replaces. */
async function travellersOf(sera: Words, { mysql, postgres, etcd }: Servers): Promise<readonly Traveller[]> {
  const all = (name: string, port: number, server: string, ...flags: readonly string[]): Traveller[] =>
    ["", ...flags].map((more) => ({
      name: more === "" ? name : `${name}, ${more}`,
      port,
      words: (through) => [...sera, "--server", at(server, port, through), ...more.split(" ").filter(Boolean), "0"],
    }));
  const travellers: Traveller[] = [];
  const replaced = (name: string, port: number, words: ((through: number) => Words) | undefined) => {
    if (words) travellers.push({ name, port, words });
  };
  if (mysql) {
    const { port } = mysql;
    // The tables are in the tests' database.
    const server = mysql.dsn("").replace(/\/\?$/, "/sera");
    travellers.push(...all("sera, MySQL", port, server, "--ledger", "--lease", "--lease --ledger"));
    const peer = await goSera();
    replaced("Go sera", port, peer && ((through) => peer(at(server, port, through))));
  }
  if (postgres) {
    const { port } = postgres;
    // A login by password takes two more, with whatever program.
    const server = postgres.url("sslmode=disable");
    travellers.push(...all("sera, PostgreSQL", port, server, "--ledger", "--lease", "--lease --ledger"));
    const peer = await heimdall();
    replaced("heimdall", port, peer && ((through) => peer(at(server, port, through))));
  }
  if (etcd) {
    const { port } = etcd;
    travellers.push(...all("sera, etcd", port, etcd.url("bench/"), "--ledger"));
    replaced("etcdctl lock", port, (through) => [
      ...etcd.etcdctlCommand.map((word) => at(word, port, through)),
      "lock",
      "etcdctl/round-trips",
      "--",
    ]);
  }
  return travellers;
}

/** Text that names a port of this machine, with another one. */
function at(text: string, port: number, through: number): string {
  return text.replace(`127.0.0.1:${port}`, `127.0.0.1:${through}`);
}
