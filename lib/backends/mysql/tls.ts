import type { Connection } from "mysql2";
import type { Socket } from "node:net";
import type { MySqlGuard } from "./guard.ts";
import { encrypt, type TlsOptions } from "../network/tls.ts";

/** The part of the driver's connection used here. It is not public; tests against real servers would see it change. */
interface DriverConnection {
  readonly stream: Socket;
  startTLS(onSecure: (error?: unknown) => void): void;
  _handleNetworkError(error: unknown): void;
}

/** Encrypts in place of the driver, see {@linkcode encrypt}. Call it right after creating the connection. */
export function useTls(connection: Connection, guard: MySqlGuard, options: TlsOptions): void {
  const driver = connection as unknown as DriverConnection;
  driver.startTLS = (onSecure) => {
    guard.refusePlainText();
    const plain = driver.stream;
    plain.removeAllListeners("data");
    const secure = encrypt(plain, options, (error) => {
      if (!error) {
        guard.secured();
        secure.on("error", (error) => driver._handleNetworkError(error));
      }
      onSecure(error);
    });
    guard.encrypted(secure);
  };
}
