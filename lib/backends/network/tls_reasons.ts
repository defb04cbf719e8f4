/** Reasons to reject a server's certificate: how to recognize them, and what to do. Loaded only when needed. */

import { isIP } from "node:net";
import { hasUnknownCritical, signatureOf, versionOf } from "./certificate.ts";
import { BAD_ENCODING, OLD_VERSION, OTHER_NAMES } from "./tls.ts";
import {
  endsFirst,
  isForClients,
  isPast,
  isShort,
  isSignedBySha1,
  issuer,
  shownNames,
  when,
} from "./certificate_facts.ts";
import type { Failure } from "./tls_failure.ts";

/** A part of a sentence. */
export type Part = string | ((failure: Failure) => string);

/** A reason: whether it applies, what it is, and what to do. */
export interface Reason {
  readonly holds: (failure: Failure) => boolean;
  readonly what: Part;
  readonly cure: Part;
}

/** The kinds of server keys that sera's TLS can use. */
export const KEYS = "RSA, P-256, P-384, P-521 or Ed25519";

/** The signatures that it can check: RSA and ECDSA with SHA-256, SHA-384 and SHA-512, and Ed25519. */
const SIGNATURES = [
  ...["0b", "0c", "0d"].map((end) => `2a864886f70d0101${end}`),
  ...["02", "03", "04"].map((end) => `2a8648ce3d0403${end}`),
  "2b6570",
];

const SIGN_AGAIN = "get it signed with SHA-256 by a key of RSA (without PSS), P-256, P-384 or Ed25519";

/** The first that applies counts. */
export const REASONS: readonly Reason[] = [
  {
    holds: ({ words }) => words === OTHER_NAMES,
    what: (failure) => `the server's certificate is for ${shownNames(failure)}, not for ${failure.host}`,
    cure: ({ host }) => `connect by a name that it holds, or make one with subjectAltName=${altName(host)}`,
  },
  {
    holds: ({ words }) => words === BAD_ENCODING || /BadEncoding/.test(words),
    what: "the server's certificate is not encoded correctly (DER)",
    cure: "get a new one",
  },
  {
    holds: ({ words, der }) => words.includes(OLD_VERSION) || der !== undefined && versionOf(der) !== 3,
    what: "the server's certificate is not of version 3, so sera cannot check who holds its key",
    cure: ({ host }) =>
      `make one of version 3, with a subjectAltName=${altName(host)} (openssl x509 -req needs -extfile for that)`,
  },
  {
    holds: ({ words, certificate }) => /: Expired$|InvalidCertValidity/.test(words) || endsFirst(certificate),
    what:
      "the server's certificate, or one that signed it, expires before it becomes valid (notBefore, notAfter), or has expired",
    cure: "get a new one",
  },
  {
    holds: ({ words, certificate }) => /certificate expired|has expired/.test(words) || isPast(certificate?.validTo),
    what: (failure) => `the server's certificate, or one that signed it, has expired${when(failure, "validTo")}`,
    cure: "renew it on the server; if it should still be valid, set the clock of this machine",
  },
  {
    holds: ({ words, certificate }) =>
      /not valid yet|not yet valid/.test(words) || certificate !== undefined && !isPast(certificate.validFrom),
    what: (failure) => `the server's certificate is not valid yet${when(failure, "validFrom")}`,
    cure: "set the clock of this machine, or of the machine that made the certificate",
  },
  {
    holds: ({ words, certificate }) => /CaUsedAsEndEntity/.test(words) || certificate?.ca === true,
    what: ({ certificate }) =>
      "the server's own certificate is a CA certificate (CA:TRUE)" +
      (certificate?.ca === true ? ", and it is not itself in the CA file" : ", which this build of sera cannot use"),
    cure: ({ setting }) =>
      "make one with CA:FALSE, with openssl req -x509 -addext basicConstraints=critical,CA:FALSE, or signed by that CA; " +
      `then name it, or the CA, in ${setting}`,
  },
  {
    holds: ({ words, der }) =>
      /extended key usage|RequiredEkuNotFound|InvalidPurpose|EmptyEku/.test(words) || isForClients(der),
    what: "the server's certificate is not for servers (extendedKeyUsage)",
    cure: "make one with extendedKeyUsage=serverAuth, or without extendedKeyUsage",
  },
  {
    holds: ({ der }) => isSignedBySha1(der),
    what: "the server's certificate, or one that signed it, is signed in a way that is no longer safe (such as SHA-1)",
    cure: SIGN_AGAIN,
  },
  {
    holds: ({ words, der }) =>
      /UnsupportedSignatureAlgorithm/.test(words) || der !== undefined && !SIGNATURES.includes(signatureOf(der)),
    what:
      "the server's certificate, or one that signed it, is signed in a way that sera's TLS cannot check (such as SHA-1, " +
      "SHA-224, RSA-PSS, or SHA-512 with P-256), or by a key that it does not know",
    cure: SIGN_AGAIN,
  },
  {
    holds: ({ certificate }) => isShort(certificate),
    what: "the RSA key of the server's certificate is shorter than 2048 bits",
    cure: "make one with a key of 2048 bits or more",
  },
  {
    holds: ({ words }) => /BadSignature/.test(words),
    what: ({ setting }) =>
      `the CA of that name in ${setting} did not sign the server's certificate, or the server lacks the key of ` +
      "that certificate, or an RSA key is below 2048 bits",
    cure:
      "name the CA that signed it (CAs of one name may differ in their key), check that nothing intercepts the connection,  " +
      "and use longer keys",
  },
  {
    holds: ({ words }) => /NameConstraintViolation/.test(words),
    what: "a CA that signed the server's certificate may not sign for this name (nameConstraints)",
    cure: "use a name that the CA permits, or another CA",
  },
  {
    holds: ({ words, der, unread }) =>
      unread || /(Unsupported|Unhandled)CriticalExtension/.test(words) ||
      der !== undefined && hasUnknownCritical(der),
    what: "the server's certificate has a critical extension that sera does not support",
    cure: "make one without it, or do not mark it critical",
  },
  {
    holds: ({ words }) => /EndEntityUsedAsCa|PathLenConstraint/.test(words),
    what: "a certificate that signed the server's is not a CA, or has too many CAs below it",
    cure: "get it signed by a CA (basicConstraints=CA:TRUE)",
  },
  {
    holds: ({ words }) => /UnknownIssuer|unable to (verify|get)|self-signed/.test(words),
    what: ({ certificate }) => `no trusted CA signed the server's certificate${issuer(certificate)}`,
    cure: ({ setting }) =>
      `name the CA that signed it (${setting}), or the certificate itself if it is self-signed, and make the server send ` +
      "the intermediate certificates too",
  },
];

function altName(host: string): string {
  return `${isIP(host) ? "IP" : "DNS"}:${host}`;
}
