import assert from "node:assert/strict";
import { SurvivorMessages } from "../../../lib/commands/run/survivor_messages.ts";

const GROUP = new SurvivorMessages(-4711);
const SOME = Array.from({ length: 7 }, (_, index) => ({ pid: 100 + index, uid: index }));
const ME = `sera (uid ${Deno.uid()}) may not signal it`;

Deno.test("processes that cannot be stopped are named, with the consequence for the lock", () => {
  assert.equal(
    GROUP.goesOn({ why: "forbidden", processes: SOME.slice(0, 2) }, false),
    `Cannot end process 100 (uid 0), 101 (uid 1): ${ME}; the lock is kept until it has ended: end it as its user or as root`,
  );
  assert.equal(
    GROUP.goesOn({ why: "outlives KILL", processes: SOME.slice(0, 1) }, true),
    "Process 100 (uid 0) survived SIGKILL; it goes on without the lock: see what it waits for",
  );
});

Deno.test("of many processes only some are named", () => {
  assert.match(
    GROUP.goesOn({ why: "outlives KILL", processes: SOME }, false),
    /^Process 100 .*, 104 \(uid 4\) and 2 more survived/,
  );
});

Deno.test("if no process can be seen, the group is named, or the process", () => {
  assert.equal(
    GROUP.goesOn({ why: "unseen", processes: undefined }, false),
    "Cannot tell whether process group 4711 has ended after SIGKILL: /proc cannot be read; the lock is not kept for it",
  );
  assert.match(
    new SurvivorMessages(4711).goesOn({ why: "forbidden", processes: [] }, false),
    /^Cannot end process 4711: /,
  );
});

Deno.test("a signal that could not be passed on is named, and the command goes on", () => {
  assert.equal(
    GROUP.notPassedOn("SIGTERM", SOME.slice(0, 1)),
    `Cannot pass SIGTERM on to process 100 (uid 0): ${ME}; the command goes on: send it as its user or as root`,
  );
});
