/**
 * What etcd's refusals mean, what to do, and which of them may pass or may not occur with another member. Loaded only when
 * needed.
 */

import type { Trouble } from "../../errors.ts";
import { pathOr } from "../../text/redaction.ts";
import { serverWords } from "../network/server_words.ts";
import { Code, EtcdError } from "./errors.ts";
import { field, type JsonObject } from "./json.ts";

/** What a member in trouble answers: another one, or the same one a moment later, may succeed. */
const ELSEWHERE: ReadonlySet<number> = new Set([
  Code.canceled,
  Code.unknown,
  Code.tooSlow,
  Code.internal,
  Code.unavailable,
  Code.dataLoss,
]);

/** A part of etcd's words, what that means, and what to do. */
type Meaning = readonly [words: string, what: string | undefined, cure: string];

const MAJORITY = "start the members that are down, see etcdctl endpoint status --cluster";
const CREDENTIALS = "write user:password@ before its hosts in the server setting";

/** The gateway is a client of its own member. gRPC says this if that member refuses it, or is shutting down. */
const GATEWAY: Trouble = {
  what: "its JSON gateway cannot connect to it",
  cure: "with --client-cert-auth give its certificate extendedKeyUsage=serverAuth,clientAuth; otherwise see its log",
};
const GATEWAY_WORDS =
  /^(connection closed|use of closed network connection|the connection is closing|connection error: .*)$|transport: authentication handshake/;

/** The first entry whose words occur in the message counts. */
const MEANINGS: readonly Meaning[] = [
  [
    "database space exceeded",
    "its database is full (alarm NOSPACE)",
    "compact and defragment it, then etcdctl alarm disarm",
  ],
  ["data corrupted", undefined, "see etcdctl alarm list"],
  ["corrupt cluster", undefined, "see etcdctl alarm list"],
  ["no leader", "it has no leader, as when most members are down", MAJORITY],
  ["leader changed", undefined, MAJORITY],
  ["request timed out", "most members do not answer it", MAJORITY],
  ["unhealthy cluster", undefined, MAJORITY],
  ["authentication failed", "wrong user or password", "check them in the server setting"],
  ["user name not found", "there is no such user", "check the user in the server setting"],
  ["user name is empty", "it requires a user", CREDENTIALS],
  ["auth token", undefined, "check user and password in the server setting"],
  ["revision of auth store", undefined, "try again"],
  ["rpc not supported for learner", "this member is a learner", "name the members that vote, or promote it"],
  ["too many requests", undefined, "run fewer at once"],
  ["request is too large", undefined, "raise etcd's --max-request-bytes"],
];

/** Reads etcd's answer to a request that it refuses; undefined if it is none of etcd's. */
export function readRefusal(json: JsonObject): { readonly code: number; readonly words: string } | undefined {
  // In streams, and in older versions, the error is inside another object.
  const inner = field(json, "error");
  const from = typeof inner === "object" && inner !== null && !Array.isArray(inner) ? inner as JsonObject : json;
  const code = field(from, "code") ?? field(from, "grpc_code");
  const message = field(from, "message") ?? field(from, "error");
  if (typeof message !== "string" || typeof code !== "number" || !Number.isInteger(code)) return undefined;
  return { code, words: serverWords(message).replace(/^(?:etcdserver|mvcc|rpc error): /, "") };
}

/**
 * The error that a refusal means.
 *
 * @param where The member.
 * @param prefix What the keys of the request begin with.
 */
export function refused(
  where: string,
  { code, words }: { readonly code: number; readonly words: string },
  prefix: string,
): EtcdError {
  const elsewhere = ELSEWHERE.has(code) || /not leader|not capable|learner/.test(words);
  return new EtcdError(where, troubleOf(code, words, prefix), {
    code,
    words,
    elsewhere,
    transient: elsewhere || code === Code.exhausted || /revision of auth store/.test(words),
  });
}

function troubleOf(code: number, words: string, prefix: string): Trouble {
  if (code === Code.denied) {
    const range = pathOr(prefix, "PREFIX");
    return {
      what: "permission denied",
      cure:
        `allow the user the keys below ${range}: etcdctl role grant-permission ROLE readwrite ${range} --prefix=true`,
    };
  }
  if (code === Code.unimplemented) {
    return { what: `it does not know this request (${words})`, cure: "use etcd 3.4 or newer" };
  }
  if (code === Code.unavailable && GATEWAY_WORDS.test(words)) return GATEWAY;
  const meaning = MEANINGS.find(([part]) => words.includes(part));
  return { what: meaning?.[1] ?? (words || `error ${code}`), cure: meaning?.[2] ?? "see its log" };
}
