import { Buffer } from "node:buffer";
import { isIP, type Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { isFor, namesOf, versionOf } from "./certificate.ts";
import { isReadable } from "./tls_files.ts";

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
  /** Whether this is only to see the certificate: nothing is checked, and it always ends in an error that holds it. */
  readonly lookOnly?: boolean | undefined;
}

/** A connection that could not be encrypted, or a server that is not trusted. */
export class HandshakeError extends Error {
  /**
   * @param message The runtime's words, or a word of ours.
   * @param certificate The server's, in DER, if it was shown and the runtime tells.
   */
  constructor(message: string, readonly certificate?: Uint8Array) {
    super(message);
  }
}

/** {@linkcode HandshakeError} of ours: the certificate is for others. */
export const OTHER_NAMES = "other names";
/** Of ours: the certificate is of a version before 3. */
export const OLD_VERSION = "UnsupportedCertVersion";
/** Of ours: the certificate is not encoded as it should be. */
export const BAD_ENCODING = "BadEncoding";

/**
 * Encrypts a connection. It is done by hand and not by the databases' drivers, which do not all tell the runtime an
 * address that is no name: Deno then takes any certificate for `localhost`, and none for the address.
 *
 * @param done Called once: with a {@linkcode HandshakeError}, or with nothing when the connection is encrypted and the
 * server trusted. An error after that is the socket's own.
 */
export function encrypt(plain: Socket, options: TlsOptions, done: (error?: Error) => void): TLSSocket {
  const { host, ca, cert, key, verifyHost = true, alpn, lookOnly = false } = options;
  const verify = options.verify && !lookOnly;
  let settled = false;
  const settle = (problem?: string, certificate?: Uint8Array) => {
    if (settled) return;
    settled = true;
    done(problem === undefined ? undefined : new HandshakeError(problem, certificate));
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
    // Names are compared by libpq's rules, see below; the runtime's differ from one version to the next.
    checkServerIdentity: () => undefined,
    ...(alpn === undefined ? {} : { ALPNProtocols: [alpn] }),
  }, () => {
    const certificate = secure.getPeerCertificate()?.raw;
    // Deno 2.7 says so after a failed handshake too, and tells the reason later unless something is written first.
    if (certificate === undefined) return;
    const problem = lookOnly
      ? "only looked at"
      : verify
      ? problemWith(certificate, verifyHost ? host : undefined)
      : undefined;
    settle(problem, certificate);
    if (problem !== undefined) secure.destroy();
  });
  secure.on("error", (error) => settle(error.message));
  return secure;
}

/** What is wrong with a certificate that the runtime has let pass. */
function problemWith(certificate: Uint8Array, host: string | undefined): string | undefined {
  // What it cannot read Deno 2.9 trusts by the name of its issuer, and checks neither who signed it nor who has its key.
  const base64 = Buffer.from(certificate).toString("base64");
  if (!isReadable(`-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`)) return BAD_ENCODING;
  try {
    if (versionOf(certificate) !== 3) return OLD_VERSION;
    return host === undefined || isFor(host, namesOf(certificate)) ? undefined : OTHER_NAMES;
  } catch (error) {
    if (error instanceof RangeError) return BAD_ENCODING;
    throw error;
  }
}
