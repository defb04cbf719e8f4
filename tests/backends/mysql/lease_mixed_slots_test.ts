/** Slots on one server, held by some with a lease and by others without. */

import assert from "node:assert/strict";
import { OtherSlotsError } from "../../../lib/errors.ts";
import type { Lock } from "../../../lib/lock/lock.ts";
import { Crew, LONG, releaseAll, slotsOf } from "../crew.ts";
import { leaseOptions } from "../lease_contract.ts";
import { later, never, type OpenOptions } from "../open.ts";
import { sharedMariaDb } from "../shared_server.ts";

const N = 3;
const KINDS: Readonly<Record<string, () => OpenOptions>> = {
  "with a lease": () => leaseOptions("sera"),
  "without": () => ({}),
};

const mariaDb = sharedMariaDb();

function crewOf(): Crew {
  const { test, server: _ } = mariaDb;
  return new Crew({ test: (name, fn) => test(name, fn), server: () => mariaDb.server.dsn() }, { slots: N });
}

async function refuses(client: Promise<Lock>, wait: number, slots: number, asked: number): Promise<void> {
  await assert.rejects((await client).acquire(wait, never), (error) => {
    assert.ok(error instanceof OtherSlotsError, String(error));
    assert.deepEqual({ slots: error.slots, asked: error.asked }, { slots, asked });
    return true;
  });
}

for (const [name, mine] of Object.entries(KINDS)) {
  const theirs = Object.values(KINDS).find((kind) => kind !== mine)!;

  mariaDb.test(`a slot that is held ${name} is no one else's`, async () => {
    await using crew = crewOf();
    const held = [
      await crew.holder({ slots: N, ...mine() }),
      await crew.holder({ slots: N, ...theirs() }),
      await crew.holder({ slots: N, ...mine() }),
    ];
    assert.deepEqual(slotsOf(held), [0, 1, 2]);
    for (const kind of [mine, theirs]) {
      assert.equal(await (await crew.client({ slots: N, ...kind() })).acquire(0, never), undefined);
    }
    const granted = later((await crew.client({ slots: N, ...theirs() })).acquire(LONG, never));
    await crew.waiting(1);
    await held[2]!.release();
    const next = await granted;
    assert.equal(next?.slot, held[2]!.slot);
    await releaseAll([held[0], held[1], next]);
  });

  mariaDb.test(`another number of slots than that of those who hold them ${name} is refused, as is a plain lock`, async () => {
    await using crew = crewOf();
    const held = [await crew.holder({ slots: N, ...mine() }), await crew.holder({ slots: N, ...mine() })];
    // As the lock itself is free, but for its other slot.
    await held[0]!.release();
    for (const wait of [0, LONG]) {
      await refuses(crew.client({ slots: 2, ...theirs() }), wait, N, 2);
      await refuses(crew.client({ slots: 200, ...theirs() }), wait, N, 200);
      await refuses(crew.client(theirs()), wait, N, 1);
    }
    const again = await crew.holder({ slots: N, ...theirs() });
    assert.equal(again.slot, 0);
    await releaseAll([held[1], again]);
    await (await crew.holder({ slots: 2, ...theirs() })).release();
    await (await crew.holder(theirs())).release();
  });

  mariaDb.test(`slots are refused while somebody holds the plain lock ${name}`, async () => {
    await using crew = crewOf();
    const plain = await crew.holder(mine());
    for (const wait of [0, LONG]) await refuses(crew.client({ slots: N, ...theirs() }), wait, 1, N);
    await plain.release();
    await releaseAll([await crew.holder({ slots: N, ...theirs() }), await crew.holder({ slots: N, ...mine() })]);
  });
}

mariaDb.test("of twice as many who ask at the same moment, some with a lease, exactly as many get a slot as there are", async () => {
  await using crew = crewOf();
  const clients = [
    ...await crew.clients(N, { slots: N, ...leaseOptions("sera") }),
    ...await crew.clients(N, { slots: N }),
  ];
  for (let round = 0; round < 6; round++) {
    const held = await Promise.all(clients.map((client) => client.acquire(0, never)));
    assert.deepEqual(slotsOf(held), [0, 1, 2], `round ${round}`);
    await releaseAll(held);
  }
});
