/** What every server with session locks and leases has to do where some hold slots with a lease and others without. */

import assert from "node:assert/strict";
import { OtherSlotsError } from "../../lib/errors.ts";
import type { Lock } from "../../lib/lock/lock.ts";
import { Crew, type CrewPlace, LONG, releaseAll, slotsOf } from "./crew.ts";
import { leaseOptions } from "./lease_contract.ts";
import { later, never, type OpenOptions } from "./open.ts";

const N = 3;
async function refuses(client: Promise<Lock>, wait: number, slots: number, asked: number): Promise<void> {
  await assert.rejects((await client).acquire(wait, never), (error) => {
    assert.ok(error instanceof OtherSlotsError, String(error));
    assert.deepEqual({ slots: error.slots, asked: error.asked }, { slots, asked });
    return true;
  });
}

/**
 * Defines the tests.
 *
 * @param schema The schema of the table, if the setting names none.
 */
export function mixedSlotsContract(place: CrewPlace, schema?: string): void {
  const { test } = place;
  const kinds: Readonly<Record<string, () => OpenOptions>> = {
    "with a lease": () => leaseOptions(schema),
    "without": () => ({}),
  };
  for (const [name, mine] of Object.entries(kinds)) {
    const theirs = Object.values(kinds).find((kind) => kind !== mine)!;

    test(`a slot that is held ${name} is not given to anyone else`, async () => {
      await using crew = new Crew(place, { slots: N });
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

    test(`while slots are held ${name}, another number of slots is refused, as is a plain lock`, async () => {
      await using crew = new Crew(place, { slots: N });
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

    test(`slots are refused while somebody holds the plain lock ${name}`, async () => {
      await using crew = new Crew(place, { slots: N });
      const plain = await crew.holder(mine());
      for (const wait of [0, LONG]) await refuses(crew.client({ slots: N, ...theirs() }), wait, 1, N);
      await plain.release();
      await releaseAll([await crew.holder({ slots: N, ...theirs() }), await crew.holder({ slots: N, ...mine() })]);
    });
  }

  test("of twice as many simultaneous requests as slots, some with a lease, exactly as many succeed as there are slots", async () => {
    await using crew = new Crew(place, { slots: N });
    const clients = [
      ...await crew.clients(N, { slots: N, ...leaseOptions(schema) }),
      ...await crew.clients(N, { slots: N }),
    ];
    for (let round = 0; round < 6; round++) {
      const held = await Promise.all(clients.map((client) => client.acquire(0, never)));
      assert.deepEqual(slotsOf(held), [0, 1, 2], `round ${round}`);
      await releaseAll(held);
    }
  });
}
