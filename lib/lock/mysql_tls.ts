import type { Connection } from "mysql2";
import { isIP, type Socket } from "node:net";
import { connect } from "node:tls";

/** The part of the driver's connection that is needed here; not public, so the tests against real servers guard it. */
interface DriverConnection {
  stream: Socket;
  readonly packetParser: { execute(data: Uint8Array): void };
  startTLS(onSecure: (error?: unknown) => void): void;
  _handleNetworkError(error: unknown): void;
}

/** Whom to trust. */
export interface TlsOptions {
  /** The name or address that the server's certificate has to carry. */
  readonly host: string;
  /** CA in PEM; without one the runtime's own are trusted. */
  readonly ca: string | undefined;
  /** Whether the certificate is looked at. */
  readonly verify: boolean;
}

/**
 * Encrypts the connection in place of the driver, which never tells the runtime an address that is no name: Deno then
 * takes any certificate for `localhost`, and none for the address. Call it right after the connection was made.
 */
export function useTls(connection: Connection, { host, ca, verify }: TlsOptions): void {
  const driver = connection as unknown as DriverConnection;
  driver.startTLS = (onSecure) => {
    const plain = driver.stream;
    plain.removeAllListeners("data");
    let established = false;
    const servername = isIP(host) ? undefined : host;
    const secure = connect({ socket: plain, host, servername, ca, rejectUnauthorized: verify }, () => {
      // Deno 2.7 says so after a failed handshake too, and tells the reason later unless something is written first.
      if (Object.keys(secure.getPeerCertificate() ?? {}).length === 0) return;
      established = true;
      onSecure();
    });
    secure.on("error", (error) => established ? driver._handleNetworkError(error) : onSecure(error));
    secure.on("data", (data) => driver.packetParser.execute(data));
    driver.stream = secure;
  };
}
