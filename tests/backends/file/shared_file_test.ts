/** The lock on the ledger of a folder that a group shares. */

import assert from "node:assert/strict";
import { sharedStore } from "../../../lib/backends/file/shared_file.ts";
import type { LockFolder } from "../../../lib/backends/file/lock_folder.ts";
import { sql } from "../../../lib/backends/sql/statement.ts";
import { Patience } from "../../../lib/ledger/patience.ts";
import { keepExitCodes } from "../../../lib/system/children.ts";
import { linux, testWith } from "../../cli/needs.ts";
import { FakeClock } from "../../lock/fake_clock.ts";
import { later } from "../open.ts";

// Before the first test, since it stays.
keepExitCodes();

testWith(
  [linux],
  "file: a wait for a shared ledger goes on when the file that is locked for it is replaced",
  async () => {
    const path = await Deno.makeTempDir({ prefix: "sera-shared-" });
    try {
      const folder: LockFolder = { path, group: Deno.gid()!, owns: () => true, restore: undefined };
      const lock = `${path}/ledger.sqlite.lock`;
      const open = () => Deno.open(lock, { read: true, write: true, create: true });
      using first = await open();
      assert.ok(first.tryLockSync(true));
      using clock = new FakeClock();
      let isOver = false;
      const ran = later(sharedStore(folder, new Patience()).run(sql`SELECT 1 AS one`));
      ran.finally(() => isOver = true).catch(() => undefined);
      await clock.to(1000);
      await Deno.remove(lock);
      using next = await open();
      assert.ok(next.tryLockSync(true));
      first.unlockSync();
      await clock.to(3000);
      assert.equal(isOver, false);
      next.unlockSync();
      await assert.rejects(clock.during(ran), /there is no ledger yet/);
    } finally {
      await Deno.remove(path, { recursive: true });
    }
  },
);
