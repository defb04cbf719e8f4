/** A program that starts a server, tells where it is, and does nothing more until somebody kills it. */

import { startMariaDb } from "./mariadb.ts";

const { pid, folder } = await startMariaDb();
console.log(JSON.stringify({ pid, folder }));
setInterval(() => {}, 1000);
