/**
 * The protocol of leases, in a model that tries many courses of events: seras that are stopped and killed, messages that
 * get lost or come late, servers that end and clocks that jump. The rules about time are those of the program.
 *
 * `SERA_MODEL_SCHEDULES=1000000 scripts/test tests/lock/lease_model` tries more of them.
 */

// Starts early: a hundred thousand courses of events take some seconds of one processor.

import assert from "node:assert/strict";
import { Agenda } from "./agenda.ts";
import { Dice } from "./dice.ts";
import type { Violation } from "./judge.ts";
import { Schedule } from "./schedule.ts";
import { type Flaw, LIMITS, SAFE, type World } from "./world.ts";

/** How many courses of events are tried, over all worlds. */
const SCHEDULES = Number(Deno.env.get("SERA_MODEL_SCHEDULES") ?? 100_000);
assert.ok(SCHEDULES > 0);

/** A log of all events, for debugging. */
function story(seed: number, world: World, flaw?: Flaw): string[] {
  const lines: string[] = [];
  new Schedule(seed, world, flaw, (line) => lines.push(line)).run();
  return lines;
}

/** The first seed with which something happens that must not; undefined if there is none. */
function firstWith(violation: Violation, worlds: readonly World[], flaw?: Flaw): number | undefined {
  for (let seed = 0; seed < SCHEDULES / worlds.length; seed++) {
    if (worlds.some((world) => new Schedule(seed, world, flaw).run().has(violation))) return seed;
  }
  return undefined;
}

for (const world of SAFE) {
  Deno.test(`${world.name}: never two commands at once, tokens grow, and work goes on`, () => {
    const counts = { commands: 0, byClock: 0, bySilence: 0 };
    const many = Math.ceil(SCHEDULES / SAFE.length);
    for (let seed = 0; seed < many; seed++) {
      const schedule = new Schedule(seed, world);
      for (const violation of schedule.run()) {
        assert.fail(`${violation}, with seed ${seed}:\n${story(seed, world).join("\n")}`);
      }
      counts.commands += schedule.judge.counts.commands;
      counts.byClock += schedule.judge.counts.byClock;
      counts.bySilence += schedule.judge.counts.bySilence;
    }
    // That enough has happened for this to mean something.
    assert.ok(counts.commands > 2 * many, `${counts.commands} commands`);
    assert.ok(counts.bySilence > many / 20, `${counts.bySilence} leases taken over from the silent`);
    assert.ok(!world.firstLookByClock || counts.byClock > many / 100, `${counts.byClock} taken over by a clock`);
  });
}

for (const world of LIMITS) {
  Deno.test(`${world.name}: beyond the guarantees, two commands may run`, () => {
    assert.notEqual(firstWith("two commands at once", [world]), undefined);
  });
}

/** What each mistake leads to. */
const FLAWS: Readonly<Record<Flaw, Violation>> = {
  "reads, then writes": "two commands at once",
  "takes over whatever is there": "two commands at once",
  "takes over whatever the beat": "two commands at once",
  "counts the fence from the answer": "two commands at once",
  "starts however late the answer comes": "two commands at once",
  "releases whoever owns it": "two commands at once",
  "takes a second number when it asks again": "a command's token is no longer the row's",
  "counts the silence from the question": "two commands at once",
  "begins the beats anew": "two commands at once",
  "leaves a server's clock no margin": "two commands at once",
  "never takes over": "work does not go on",
};

for (const [flaw, violation] of Object.entries(FLAWS) as [Flaw, Violation][]) {
  Deno.test(`a sera that ${flaw} is detected: ${violation}`, () => {
    assert.notEqual(firstWith(violation, SAFE, flaw), undefined);
  });
}

Deno.test("the same seed gives the same events", () => {
  const [world] = SAFE;
  assert.deepEqual(story(7, world!), story(7, world!));
  assert.notDeepEqual(story(7, world!), story(8, world!));
});

Deno.test("events happen in the order of their times; simultaneous ones in order of insertion", () => {
  const dice = new Dice(1);
  const agenda = new Agenda();
  const entered = Array.from({ length: 500 }, (_, number) => ({ at: Math.floor(dice.upTo(50)), number }));
  const happened: { at: number; number: number }[] = [];
  for (const { at, number } of entered) agenda.in(at, () => happened.push({ at: agenda.now, number }));
  while (agenda.step());
  assert.deepEqual(happened, entered.toSorted((a, b) => a.at - b.at || a.number - b.number));
});
