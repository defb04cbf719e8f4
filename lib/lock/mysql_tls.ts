import type { Connection } from "mysql2";
import type { Socket } from "node:net";
import { encrypt, type TlsOptions } from "./tls.ts";

/** The part of the driver's connection that is needed here; not public, so the tests against real servers guard it. */
interface DriverConnection {
  stream: Socket;
  readonly packetParser: { execute(data: Uint8Array): void };
  startTLS(onSecure: (error?: unknown) => void): void;
  _handleNetworkError(error: unknown): void;
}

/** Encrypts the connection in place of the driver, see {@linkcode encrypt}. Call it right after the connection was made. */
export function useTls(connection: Connection, options: TlsOptions): void {
  const driver = connection as unknown as DriverConnection;
  driver.startTLS = (onSecure) => {
    const plain = driver.stream;
    plain.removeAllListeners("data");
    const secure = encrypt(plain, options, (error) => {
      if (!error) secure.on("error", (error) => driver._handleNetworkError(error));
      onSecure(error);
    });
    secure.on("data", (data) => driver.packetParser.execute(data as Uint8Array));
    driver.stream = secure;
  };
}
