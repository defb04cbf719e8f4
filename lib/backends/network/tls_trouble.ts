/** Why a connection could not be encrypted, and what to do; loaded only when that happens. */

import { X509Certificate } from "node:crypto";
import { type Trouble, troubleOf } from "../../errors.ts";
import { serverWords } from "./server_words.ts";
import { HandshakeError } from "./tls.ts";
import type { TlsRequest } from "./tls_failure.ts";
import { KEYS, type Part, REASONS } from "./tls_reasons.ts";

/** What is wrong and what to do. */
export async function describeTlsFailure(error: unknown, request: TlsRequest): Promise<Trouble> {
  // Only what happened: advice for connections without TLS would stand in the middle of the message.
  const words = troubleOf(error).what;
  const hidden = /unable to verify|self-signed|has expired/.test(words);
  const seen = hidden ? await request.fetchCertificate().catch((error) => error) : error;
  const der = seen instanceof HandshakeError ? seen.certificate : undefined;
  const unread = hidden && seen instanceof HandshakeError && der === undefined;
  const failure = { ...request, words, der, certificate: der && read(der), unread };
  const reason = request.verify ? REASONS.find(({ holds }) => holds(failure)) : undefined;
  const say = (part: Part) => typeof part === "string" ? part : part(failure);
  const { what, cure } = reason ? { what: say(reason.what), cure: say(reason.cure) } : otherwise(words, request);
  return { what: `TLS failed: ${what}`, cure };
}

function read(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    // Then the runtime's message must do.
    return undefined;
  }
}

/** Reasons that do not lie in the certificate, by the runtime's message. */
function otherwise(words: string, request: TlsRequest): Required<Trouble> {
  const refused = /invalid peer certificate: (.*)/.exec(words)?.[1];
  if (refused !== undefined) {
    return {
      what: `the server's certificate cannot be used (${serverWords(refused)})`,
      cure:
        `make another one of version 3, with CA:FALSE, for this host, signed with SHA-256 by the CA in ${request.setting}`,
    };
  }
  if (/HandshakeFailure|handshake.failure/i.test(words)) {
    return {
      what: "sera and the server support no common encryption",
      cure:
        "see its log, and check that it offers TLS 1.2 or 1.3 and that its certificate's key is of a kind that sera supports " +
        `(${KEYS})`,
    };
  }
  if (request.otherwise !== undefined) return { what: serverWords(words), cure: request.otherwise };
  if (/corrupt message|InvalidContentType|wrong version/i.test(words)) {
    return {
      what: "the program that answers there does not speak TLS",
      cure: "check host and port, and any proxy in between",
    };
  }
  return { what: serverWords(words), cure: "see the server's log, and check that it offers TLS 1.2 or 1.3" };
}
