import type { Socket } from "node:net";
import mysql from "mysql2/promise";

/** How long a server may take to see to a goodbye, in milliseconds; one that is paused never does. */
const GOODBYE = 1000;

/** A client other than sera, whose `end` is over only when its socket is closed: none is to be left to the next test. */
export async function connectMySql(options: mysql.ConnectionOptions): Promise<mysql.Connection> {
  const connection = await mysql.createConnection(options);
  const { stream } = (connection as unknown as { connection: { stream: Socket } }).connection;
  const closed = new Promise<void>((resolve) => stream.once("close", () => resolve()));
  const goodbye = connection.end.bind(connection);
  connection.end = async () => {
    const timer = setTimeout(() => connection.destroy(), GOODBYE);
    await goodbye();
    await closed;
    clearTimeout(timer);
  };
  return connection;
}
