/** Ways to ask an etcd for the tests: its JSON gateway, and etcdctl. */

import { findProgram } from "./tool.ts";

/** A client's credentials. */
export interface EtcdAccess {
  /** Speak TLS, and trust this authority: the path of its certificate. */
  readonly ca?: string | undefined;
  /** The client's certificate and its key, for a server that asks for one. */
  readonly client?: { readonly cert: string; readonly key: string } | undefined;
  /** The login. */
  readonly user?: { readonly name: string; readonly password: string } | undefined;
}

/** An answer of the gateway; 64-bit numbers are strings, keys and values are in base64. */
export type EtcdAnswer = Record<string, unknown>;

/** The path of etcdctl, if it is there. */
export const ETCDCTL = findProgram("etcdctl");

/** Longer than an answer takes, even on a busy machine; a member that is paused gives none. */
const DEADLINE_MS = 60_000;

/** Sends one request to the gateway. Throws an error with the answer's text unless it is a success. */
export async function callEtcd(
  endpoint: string,
  access: EtcdAccess,
  path: string,
  body: unknown = {},
  signal = AbortSignal.timeout(DEADLINE_MS),
): Promise<EtcdAnswer> {
  using client = access.ca === undefined ? undefined : await tlsClient(access.ca, access.client);
  const post = async (path: string, body: unknown, token?: string) => {
    const response = await fetch(`${endpoint}${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      headers: token === undefined ? {} : { Authorization: token },
      signal,
      ...client ? { client } : {},
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`etcd answers ${path} with ${response.status}: ${text}`);
    return JSON.parse(text) as EtcdAnswer;
  };
  if (access.user === undefined) return await post(path, body);
  const { token } = await post("/v3/auth/authenticate", access.user);
  return await post(path, body, String(token));
}

async function tlsClient(ca: string, client: EtcdAccess["client"]): Promise<Deno.HttpClient> {
  const caCerts = [await Deno.readTextFile(ca)];
  if (client === undefined) return Deno.createHttpClient({ caCerts });
  const { cert, key } = client;
  return Deno.createHttpClient({ caCerts, cert: await Deno.readTextFile(cert), key: await Deno.readTextFile(key) });
}

/** The words that run etcdctl against these endpoints, to be followed by its own arguments. */
export function etcdctlCommand(endpoints: readonly string[], { ca, client, user }: EtcdAccess): string[] {
  return [
    ETCDCTL ?? "etcdctl",
    `--endpoints=${endpoints.join(",")}`,
    // Its own, of 2 and 5 seconds, are short for a busy machine.
    `--dial-timeout=${DEADLINE_MS}ms`,
    `--command-timeout=${DEADLINE_MS}ms`,
    ...ca === undefined ? [] : [`--cacert=${ca}`],
    ...client === undefined ? [] : [`--cert=${client.cert}`, `--key=${client.key}`],
    ...user === undefined ? [] : [`--user=${user.name}:${user.password}`],
  ];
}

/** Runs etcdctl, and returns its output. Throws an error with its message if it fails. */
export async function runEtcdctl(
  endpoints: readonly string[],
  access: EtcdAccess,
  args: readonly string[],
): Promise<string> {
  const [program = "", ...words] = [...etcdctlCommand(endpoints, access), ...args];
  const { code, stdout, stderr } = await new Deno.Command(program, { args: words, stdin: "null" }).output();
  const text = new TextDecoder();
  if (code !== 0) throw new Error(`etcdctl ${args.join(" ")} ended with status ${code}: ${text.decode(stderr)}`);
  return text.decode(stdout);
}

/** Text as the gateway wants it. */
export function base64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}

/** Text as the gateway gives it; absent when it is empty. */
export function fromBase64(text: unknown): string {
  return new TextDecoder().decode(Uint8Array.fromBase64(String(text ?? "")));
}
