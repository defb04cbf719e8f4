/** A program that starts a server, tells where it is, and does nothing more until somebody kills it. */

import { startEtcd } from "./etcd.ts";
import { startMariaDb } from "./mariadb.ts";
import { startSystemPostgres } from "./postgres_system.ts";

const STARTS = { mariadb: startMariaDb, postgres: startSystemPostgres, etcd: startEtcd };

const kind = Deno.args[0] as keyof typeof STARTS;
const server = await STARTS[kind]();
if (Deno.args[1] === "paused") await server.pause();
console.log(JSON.stringify({ pid: server.pid, folder: server.folder }));
setInterval(() => {}, 1000);
