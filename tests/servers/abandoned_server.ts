/** A program that starts a server, prints its address, and sleeps until it is killed. */

import { startEtcd } from "./etcd.ts";
import { startMariaDb } from "./mariadb.ts";
import { startSystemPostgres } from "./postgres_system.ts";

const STARTS = { mariadb: startMariaDb, postgres: startSystemPostgres, etcd: startEtcd };

const kind = Deno.args[0] as keyof typeof STARTS;
const server = await STARTS[kind]();
if (Deno.args[1] === "paused") await server.pause();
console.log(JSON.stringify({ pid: server.pid, folder: server.folder }));
setInterval(() => {}, 1000);
