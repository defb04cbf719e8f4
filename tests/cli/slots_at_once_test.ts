/** Many processes that want a slot at the same moment. */

import assert from "node:assert/strict";
import { forThisFile } from "../servers/for_this_file.ts";
import { mariaDbUnavailable } from "../servers/mariadb.ts";
import { lendMariaDb } from "../servers/pool.ts";
import { linux, testWith } from "./needs.ts";
import { Place } from "./place.ts";

const mariaDb = forThisFile(linux ?? mariaDbUnavailable, lendMariaDb);

/** How many slots there are; twice as many want one. */
const N = 3;

testWith([linux ?? mariaDbUnavailable], "MariaDB: of twice as many as there are slots, as many get one", async () => {
  await using place = await Place.make(mariaDb().dsn());
  const args = ["--name", "at once", "--slots", `${N}`, "0", "sh", "-c", "echo slot $SERA_SLOT; read -r _"];
  const seras = Array.from({ length: 2 * N }, () => place.startSera(args, { stdin: "open" }));
  try {
    const lines = seras.map(async (sera) => {
      const started = sera.says(/slot \d/).then(() => /slot (\d)/.exec(sera.stdout)![1], () => undefined);
      return await Promise.race([started, sera.ended.then(({ code }) => `code ${code}`)]);
    });
    const outcomes = (await Promise.all(lines)).sort();
    assert.deepEqual(outcomes, ["0", "1", "2", "code 204", "code 204", "code 204"]);
    for (const sera of seras) await sera.write("\n").catch(() => undefined);
    const codes = (await Promise.all(seras.map(async (sera) => (await sera.ended).code))).sort();
    assert.deepEqual(codes, [0, 0, 0, 204, 204, 204]);
  } finally {
    for (const sera of seras) await sera[Symbol.asyncDispose]();
  }
});
