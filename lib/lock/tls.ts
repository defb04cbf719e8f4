import { isIP, type Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";

/** Whom to trust, and who we are. */
export interface TlsOptions {
  /** The name or address that the server's certificate has to carry. */
  readonly host: string;
  /** CA in PEM; without one the runtime's own are trusted. */
  readonly ca?: string | undefined;
  /** Whether the certificate is checked at all. */
  readonly verify: boolean;
  /** Whether it has to carry the host; without this a certificate for anybody, signed by the CA, will do. */
  readonly verifyHost?: boolean | undefined;
  /** The client's certificate and its key in PEM. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The protocol to agree on, by ALPN. */
  readonly alpn?: string | undefined;
}

/**
 * Encrypts a connection. It is done by hand and not by the databases' drivers, which do not all tell the runtime an
 * address that is no name: Deno then takes any certificate for `localhost`, and none for the address.
 *
 * @param done Called once: with an error, or with none when the connection is encrypted and the server trusted. An error
 * after that is the socket's own.
 */
export function encrypt(plain: Socket, options: TlsOptions, done: (error?: Error) => void): TLSSocket {
  const { host, ca, cert, key, verify, verifyHost = true, alpn } = options;
  let settled = false;
  const settle = (error?: Error) => {
    if (settled) return;
    settled = true;
    done(error);
  };
  const secure = connect({
    socket: plain,
    host,
    servername: isIP(host) ? undefined : host,
    // Where nothing is checked nobody's certificates are needed, so that a list that cannot be read does no harm.
    ca: verify ? ca : [],
    cert,
    key,
    rejectUnauthorized: verify,
    ...(verifyHost ? {} : { checkServerIdentity: () => undefined }),
    ...(alpn === undefined ? {} : { ALPNProtocols: [alpn] }),
  }, () => {
    // Deno 2.7 says so after a failed handshake too, and tells the reason later unless something is written first.
    if (Object.keys(secure.getPeerCertificate() ?? {}).length > 0) settle();
  });
  secure.on("error", settle);
  return secure;
}
