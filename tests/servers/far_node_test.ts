import assert from "node:assert/strict";
import { FarNode, farNodeUnavailable } from "./far_node.ts";
import { startWatched } from "./watched.ts";
import { until } from "./observe.ts";

/** Echoes what it receives, over one connection. */
const ECHO = `
const listener = Deno.listen({ hostname: "0.0.0.0", port: 4000 });
console.log("listening");
for await (const connection of listener) connection.readable.pipeTo(connection.writable);
`;

Deno.test(
  {
    name: "a connection over a cut link receives nothing until the link is restored",
    ignore: farNodeUnavailable !== undefined,
  },
  async () => {
    await using node = await FarNode.join();
    const folder = await Deno.makeTempDir({ prefix: "sera-far-" });
    await Deno.writeTextFile(`${folder}/echo.ts`, ECHO);
    const log = `${folder}/log`;
    const program = await startWatched({
      command: [...node.launcher, Deno.execPath(), "run", "--quiet", "--allow-net", `${folder}/echo.ts`],
      log,
      folders: [folder],
    });
    try {
      await until(async () => (await Deno.readTextFile(log).catch(() => "")).includes("listening"), "it listens");
      using connection = await Deno.connect({ hostname: node.there, port: 4000 });
      let heard = "";
      const reading = (async () => {
        const buffer = new Uint8Array(100);
        for (let n; (n = await connection.read(buffer).catch(() => null)) !== null;) {
          heard += new TextDecoder().decode(buffer.subarray(0, n));
        }
      })();
      const say = (text: string) => connection.write(new TextEncoder().encode(text));
      await say("one");
      await until(() => heard === "one", "an answer");
      await node.cut();
      await say("two");
      // Another one is not even let in, long after the answer would have come.
      const other = Deno.connect({ hostname: node.there, port: 4000, signal: AbortSignal.timeout(500) });
      await assert.rejects(other);
      assert.equal(heard, "one");
      await node.rejoin();
      await until(() => heard === "onetwo", "the answer that was on its way");
      connection.close();
      await reading;
    } finally {
      program.signal("SIGKILL");
      await program.wait();
      await Deno.remove(folder, { recursive: true });
    }
  },
);
