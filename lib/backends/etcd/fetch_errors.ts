/** Classifies the runtime's errors of failed requests, which have only messages, no codes. */

import type { Trouble } from "../../errors.ts";
import { CLOSED, describeNetworkError, isTransientNetworkError } from "../network/errors.ts";
import { serverWords } from "../network/server_words.ts";

/** The system's messages, of Linux and macOS and with Windows' numbers, and the codes that they stand for. */
const CODES: readonly (readonly [words: RegExp, code: string])[] = [
  [/connection refused|os error 10061\b/i, "ECONNREFUSED"],
  [/connection reset|os error 10054\b/i, "ECONNRESET"],
  [/broken pipe/i, "EPIPE"],
  [/connection abort|os error 10053\b/i, "ECONNABORTED"],
  [/temporary failure in name resolution|try again/i, "EAI_AGAIN"],
  [/dns error/i, "ENOTFOUND"],
  [/no route to host|host (?:is )?unreachable|os error 10065\b/i, "EHOSTUNREACH"],
  [/network (?:is )?unreachable|os error 10051\b/i, "ENETUNREACH"],
  [/timed out|os error 10060\b/i, "ETIMEDOUT"],
  [/cannot assign requested address|can't assign requested address|os error 10049\b/i, "EADDRNOTAVAIL"],
  [/network is down/i, "ENETDOWN"],
  [/host is down/i, "EHOSTDOWN"],
  [/no buffer space/i, "ENOBUFS"],
  [/too many open files in system/i, "ENFILE"],
  [/too many open files/i, "EMFILE"],
  [/permission denied|operation not permitted/i, "EPERM"],
  [/address family not supported/i, "EAFNOSUPPORT"],
];

/** A connection that ended before the answer began. */
const ENDED = /connection closed|unexpected eof|handshake eof/i;

/** One that ended before the answer did. */
const CUT = /error reading a body|incomplete message|unexpected end of file/i;

/** The codes for such connections. */
const CLOSED_CODES: readonly unknown[] = ["ECONNRESET", "EPIPE", "ECONNABORTED"];

/** A handshake that failed, and not because the connection ended. */
const TLS = /invalid peer certificate|fatal alert|corrupt message|handshake failure|\btls\b|PeerIncompat|PeerMisbehav/i;

/** The other side does not speak HTTP. */
const NO_HTTP = /invalid HTTP|message head is too large|parsed|unexpected message/i;

/** How a failed request is classified. */
export interface FetchFailure extends Trouble {
  readonly kind: "network" | "ended" | "tls" | "no HTTP";
  readonly transient: boolean;
  /** Whether the connection ended before there was an answer. */
  readonly closed: boolean;
  /** The runtime's message. */
  readonly words: string;
}

/** Classifies an error of the runtime's `fetch`, or of reading an answer. */
export function describeFetchError(error: unknown): FetchFailure {
  const words = wordsOf(error);
  const permanent = { transient: false, closed: false, words };
  if (ENDED.test(words)) return { kind: "ended", transient: true, closed: true, words, ...CLOSED };
  if (CUT.test(words)) return { kind: "network", transient: true, closed: true, words, ...CLOSED };
  if (TLS.test(words)) return { kind: "tls", ...permanent, what: `TLS failed: ${serverWords(words)}` };
  if (NO_HTTP.test(words)) {
    return {
      kind: "no HTTP",
      ...permanent,
      what: "the program that answers there does not speak HTTP",
      cure: "check host and port",
    };
  }
  if (/port \d+ are blocked|bad port/i.test(words)) {
    return {
      kind: "network",
      ...permanent,
      what: "this port is reserved for another protocol, and requests to it are blocked",
      cure: "let etcd listen on another port",
    };
  }
  const code = CODES.find(([pattern]) => pattern.test(words))?.[1];
  const known = code === undefined ? undefined : describeNetworkError({ code });
  const closed = CLOSED_CODES.includes(code);
  return {
    kind: closed ? "ended" : "network",
    transient: known === undefined || isTransientNetworkError({ code }),
    closed,
    words,
    ...known ?? { what: serverWords(words), cure: "check the address and the network" },
  };
}

/** Deno 2.9 has the message in the cause; Deno 2.7, too, puts the address before it. */
function wordsOf(error: unknown): string {
  const { message = "", cause } = error as {
    readonly message?: string;
    readonly cause?: { readonly message?: string };
  };
  return (cause?.message ?? message).replace(/^error sending request .*?: (?:client error \(\w+\): )?/s, "");
}
