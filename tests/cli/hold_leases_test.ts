/** `sera hold` and `--dry-run` where locks are leases. */

import assert from "node:assert/strict";
import { SHORT, useLeaseTargets } from "./lease_targets.ts";
import { Together } from "../side_by_side.ts";

const together = new Together();

for (const target of useLeaseTargets()) {
  target.test(
    together,
    "a look ahead makes no table; a hold is a lease that others see, and is given back",
    async () => {
      await using started = await target.start();
      const { place, other } = started;
      const dry = () => other.sera(["--dry-run", "--name", "n", "9", "true"]);
      const free = await dry();
      assert.deepEqual([free.code, free.stdout], [0, "Would run the command: nobody holds the lock.\n"], free.stderr);
      await assert.rejects(started.query(`SELECT * FROM ${started.table}`));
      await using holder = place.startSera(["hold", "n", "--for", "forever", "--ttl", SHORT[1]!]);
      await holder.says("Holding");
      const busy = await dry();
      assert.equal(busy.code, 204);
      assert.ok(busy.stdout.startsWith(`Would wait up to 9s for ${Deno.hostname()}:${holder.pid} hold, `), busy.stdout);
      assert.equal((await other.sera([...SHORT, "--name", "n", "0", "true"])).code, 204);
      holder.kill("SIGTERM");
      assert.equal((await holder.ended).code, 143);
      // It was released: nothing has to be waited for.
      assert.equal((await other.sera([...SHORT, "--name", "n", "0", "true"])).code, 0);
    },
  );
}
