/** Why a connection to etcd could not be encrypted; loaded only when that happens. */

import { connect, isIP } from "node:net";
import type { Trouble } from "../../errors.ts";
import { aborted, elapsed, firstOf } from "../../waiting.ts";
import { isFor, namesOf } from "../network/certificate.ts";
import { encrypt, HandshakeError, OTHER_NAMES } from "../network/tls.ts";
import { describeTlsFailure } from "../network/tls_trouble.ts";
import type { Endpoint, EtcdAddress } from "./address.ts";

/** How long to look at a certificate, in milliseconds. */
const PATIENCE = 1000;

/**
 * Says what is wrong and what to do.
 *
 * @param words The runtime's.
 */
export async function describeFailedTls(
  words: string,
  endpoint: Endpoint,
  { cert }: EtcdAddress,
  signal: AbortSignal,
): Promise<Trouble> {
  if (/fatal alert: (?!HandshakeFailure|ProtocolVersion|InternalError|DecodeError|IllegalParameter)/i.test(words)) {
    return cert === undefined
      ? {
        what: "TLS failed: the server asks for a client certificate",
        cure: "add ?cert=FILE&key=FILE to the server setting",
      }
      : {
        what: "TLS failed: the server does not accept the client's certificate",
        cure: "use one that is signed by the CA in etcd's --trusted-ca-file (cert, key)",
      };
  }
  const certificate = /invalid peer certificate/.test(words) ? await look(endpoint, signal) : undefined;
  const isForOthers = /not valid for name|NotValidForName/.test(words);
  if (isForOthers && certificate && isForBy(certificate, endpoint.host)) {
    return {
      what: `TLS failed: the server's certificate does not have ${endpoint.host} in its subjectAltName, only elsewhere`,
      cure: `make one with subjectAltName=${isIP(endpoint.host) ? "IP" : "DNS"}:${endpoint.host}`,
    };
  }
  const error = new HandshakeError(isForOthers ? OTHER_NAMES : words, certificate);
  return await describeTlsFailure(error, {
    host: endpoint.host,
    verify: true,
    setting: "tls-ca",
    fetchCertificate: () => Promise.reject(error),
  });
}

/** Whether a certificate matches a host by the rules of database drivers, which accept more than those of HTTP. */
function isForBy(certificate: Uint8Array, host: string): boolean {
  try {
    return isFor(host, namesOf(certificate));
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The server's certificate in DER; undefined if it cannot be had. */
async function look({ host, port }: Endpoint, signal: AbortSignal): Promise<Uint8Array | undefined> {
  const socket = connect({ host, port });
  try {
    return await firstOf<Uint8Array | undefined>(
      (resolve) => {
        socket.on("error", () => resolve(undefined));
        socket.on("connect", () => {
          const secure = encrypt(socket, { host, verify: false, certificateOnly: true }, (error) => {
            resolve(error instanceof HandshakeError ? error.certificate : undefined);
          });
          secure.on("error", () => undefined);
        });
        return undefined;
      },
      aborted(signal, () => undefined),
      elapsed(PATIENCE, () => undefined),
    );
  } finally {
    socket.destroy();
  }
}
