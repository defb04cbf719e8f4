/** Runs that ask for slots at the same moment, on PostgreSQL. */

import assert from "node:assert/strict";
import { sharedPostgres } from "../backends/shared_server.ts";
import { Place } from "./place.ts";
import { until } from "./wait.ts";

const SLOTS = 3;
/** Prints its slot, and ends when told to. */
const WAITING = ["sh", "-c", "echo slot $SERA_SLOT; read -r _"];

sharedPostgres().test(
  "of twice as many runs as there are slots that start at once exactly so many run",
  async (server) => {
    await using place = await Place.make(server.url());
    await using runs = new AsyncDisposableStack();
    const all = Array.from({ length: 2 * SLOTS }, () => {
      const args = ["--slots", `${SLOTS}`, "--name", "x", "0", ...WAITING];
      return runs.use(place.startSera(args, { stdin: "open" }));
    });
    const left: number[] = [];
    for (const run of all) run.ended.then(({ code }) => left.push(code), () => undefined);
    const running = () => all.flatMap((run) => run.stdout.includes("slot") ? [run] : []);
    await until("each runs or has left", () => running().length + left.length === all.length);
    assert.deepEqual(left, [204, 204, 204]);
    assert.deepEqual(running().map(({ stdout }) => stdout.trim()).sort(), ["slot 0", "slot 1", "slot 2"]);
    for (const run of running()) await run.write("\n");
    for (const run of running()) assert.equal((await run.ended).code, 0);
  },
);
