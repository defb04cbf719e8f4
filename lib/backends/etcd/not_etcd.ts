/** Finds out what answers in place of etcd, or why etcd answers unexpectedly; loaded only when that happens. */

import type { Trouble } from "../../errors.ts";
import { serverWords } from "../network/server_words.ts";
import { readWhole } from "./body.ts";
import { field, MalformedAnswerError, parseJson } from "./json.ts";

/** The oldest version whose gateway has the paths that sera uses. */
export const OLDEST = [3, 4] as const;

/**
 * Says why an answer was not one of etcd's gateway.
 *
 * @param url The member's, without a path.
 * @param text The answer.
 */
export async function whatAnswers(
  url: string,
  status: number,
  text: string,
  request: { readonly client: Deno.HttpClient; readonly signal: AbortSignal },
): Promise<Trouble> {
  // With users on, the gateway takes no certificate that could be meant for a user's.
  if (/CommonName of client/i.test(text)) {
    return {
      what: "its JSON gateway accepts no client certificate with a common name (CN) while auth is on",
      cure: "use one without (openssl req -subj /O=sera), and log in with user:password@ in the server setting",
    };
  }
  const version = await askVersion(url, request);
  if (version !== undefined) {
    const [major = 0, minor = 0] = version.split(".").map(Number);
    return major < OLDEST[0] || major === OLDEST[0] && minor < OLDEST[1]
      ? { what: `etcd ${version} is too old`, cure: `use ${OLDEST.join(".")} or newer` }
      : {
        what: `its JSON gateway is off, or does not answer (status ${status})`,
        cure:
          "name its port for clients (usually 2379), and turn on enable-grpc-gateway, which a configuration file leaves off",
      };
  }
  if (/client sent an http request to an https server/i.test(text)) return SPEAKS_TLS;
  const words = /^\s*[<{[]/.test(text) ? "" : serverWords(text).slice(0, 80);
  return {
    what: `the program that answers there is not etcd (HTTP status ${status}${words === "" ? "" : `, ${words}`})`,
    cure: "check host and port, and any proxy in between",
  };
}

/** When a port accepts TLS only. */
export const SPEAKS_TLS: Trouble = { what: "it accepts TLS only", cure: "write etcds:// in the server setting" };

/** When a port accepts no TLS. */
export const SPEAKS_NO_TLS: Trouble = {
  what: "it does not use TLS",
  cure: "set up TLS in etcd (--cert-file, --key-file), or write etcd:// in the server setting",
};

/** The version, which etcd tells to everybody; undefined if this is not etcd. */
export async function askVersion(
  url: string,
  request: { readonly client: Deno.HttpClient; readonly signal: AbortSignal },
): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/version`, { ...request, redirect: "manual" });
    const version = field(parseJson(await readWhole(response)), "etcdserver");
    return typeof version === "string" && /^\d{1,4}\.\d{1,4}[\w.+-]{0,20}$/.test(version) ? version : undefined;
  } catch (error) {
    if (request.signal.aborted) throw error;
    if (error instanceof MalformedAnswerError || error instanceof TypeError) return undefined;
    throw error;
  }
}
