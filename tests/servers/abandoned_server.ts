/** A program that starts a server, tells where it is, and does nothing more until somebody kills it. */

import { startMariaDb } from "./mariadb.ts";
import { startSystemPostgres } from "./postgres_system.ts";

const server = Deno.args[0] === "mariadb" ? await startMariaDb() : await startSystemPostgres();
if (Deno.args[1] === "paused") await server.pause();
console.log(JSON.stringify({ pid: server.pid, folder: server.folder }));
setInterval(() => {}, 1000);
