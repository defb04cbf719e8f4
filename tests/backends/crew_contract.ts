/** What every backend has to do beyond a plain lock: slots, several locks, and limits of waiters. */

import assert from "node:assert/strict";
import { LockUnavailableError, UsageError } from "../../lib/errors.ts";
import { Crew, type CrewPlace, type Lack, LONG } from "./crew.ts";
import type { OpenOptions } from "./open.ts";
import { severalContract } from "./several_contract.ts";
import { slotsContract } from "./slots_contract.ts";
import { slotsModel } from "./slots_model.ts";
import { waitersContract } from "./waiters_contract.ts";

/** What asks for each thing that a place may lack. */
const ASKING: Readonly<Record<Lack, OpenOptions>> = {
  slots: { slots: 3 },
  also: { also: ["00000000000000000000000000000000"] },
  maxWaiters: { maxWaiters: 1 },
};

/** Defines the tests of several holders, several locks and limits of waiters; where there are none, of their refusal. */
export function crewContract(all: CrewPlace): void {
  const place = all.isBrief ? { ...all, test: briefly(all) } : all;
  const { lacks = [] } = place;
  for (const lack of lacks) {
    place.test(`${lack} is refused in one sentence, and not retried`, async () => {
      const tried = new AbortController();
      // A missing capability is not transient.
      const retrying = () => tried.abort(new Error("it is tried again"));
      await using crew = new Crew(place, { ...ASKING[lack], retrying });
      await assert.rejects(async () => await (await crew.client()).acquire(LONG, tried.signal), (error) => {
        assert.ok(error instanceof LockUnavailableError || error instanceof UsageError, String(error));
        assert.match(error.message, /^[A-Z][^\n]+; [^\n]+[^.]$/);
        return true;
      });
    });
  }
  if (!lacks.includes("slots")) {
    slotsContract(place);
    slotsModel(place);
  }
  if (!lacks.includes("also")) severalContract(place);
  if (!lacks.includes("maxWaiters")) waitersContract(place);
}

function briefly({ test }: CrewPlace): CrewPlace["test"] {
  return (name, fn, traits) => {
    if (traits?.always) test(name, fn, traits);
  };
}
