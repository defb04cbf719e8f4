/** A client of etcd whose answers a test gives. */

import { type CallOptions, EtcdClient } from "../../../lib/backends/etcd/client.ts";
import { Code, EtcdError } from "../../../lib/backends/etcd/errors.ts";
import { base64, type JsonObject } from "../../../lib/backends/etcd/json.ts";
import { Path } from "../../../lib/backends/etcd/requests.ts";
import { parseEtcd } from "../parse.ts";

/** The revision in which the key was created. */
export const TOKEN = 17n;

export const GONE = refusal(Code.notFound, "requested lease not found");
export const EXISTS = refusal(Code.precondition, "lease already exists");
export const NO_ANSWER = new EtcdError("etcd", { what: "no answer", cure: "start it" }, {
  transient: true,
  elsewhere: true,
});

function refusal(code: number, words: string): EtcdError {
  return new EtcdError("etcd", { what: words }, { code, words, transient: false, elsewhere: false });
}

/** How a request is answered. */
export type Answer = JsonObject | Error | "never";

export class ScriptedClient extends EtcdClient {
  readonly asked: { readonly path: string; readonly at: number; readonly body: JsonObject }[] = [];
  /** Replies by path; other requests are answered as by a healthy etcd where another holds the lock. */
  readonly answers: Partial<Record<string, (body: JsonObject) => Answer>> = {};
  /** In how many milliseconds each answer comes. */
  delay = 0;
  /** The same for some paths. */
  readonly delays: Partial<Record<string, number>> = {};
  /** Tells all watches that a key is gone. */
  gone = new AbortController();

  override async call(path: string, body: JsonObject, options: CallOptions = {}): Promise<JsonObject> {
    const { timeout = Infinity, late } = options;
    const answer = this.#answer(path, body, options);
    const delay = this.delays[path] ?? this.delay;
    if (delay <= timeout) return await answer;
    answer.catch(() => undefined);
    await new Promise<void>((resolve) => void setTimeout(resolve, timeout));
    late?.(answer);
    throw NO_ANSWER;
  }

  async #answer(path: string, body: JsonObject, { asking, signal }: CallOptions): Promise<JsonObject> {
    this.asked.push({ path, at: performance.now(), body });
    asking?.();
    const answer = this.answers[path]?.(body) ?? this.#usual(path, body);
    const delay = this.delays[path] ?? this.delay;
    if (delay > 0) await new Promise<void>((resolve) => void setTimeout(resolve, delay));
    if (answer === "never") return await whenAborted(signal);
    if (answer instanceof Error) throw answer;
    return answer;
  }

  override async *stream(
    path: string,
    body: JsonObject,
    { signal }: CallOptions = {},
  ): AsyncGenerator<JsonObject, never> {
    this.asked.push({ path, at: performance.now(), body });
    yield { created: true };
    const { signal: gone } = this.gone;
    await Promise.race([
      whenAborted(signal),
      new Promise<void>((resolve) => gone.addEventListener("abort", () => resolve())),
    ]);
    yield { events: [{ type: "DELETE", kv: { key: base64("before") } }] };
    return await whenAborted(signal);
  }

  /** When requests for this path were sent. */
  at(path: string): readonly number[] {
    return this.asked.filter((request) => request.path === path).map(({ at }) => at);
  }

  count(path: string): number {
    return this.at(path).length;
  }

  #usual(path: string, body: JsonObject): JsonObject {
    switch (path) {
      case Path.grant:
        return { ID: body.ID!, TTL: body.TTL! };
      case Path.keepAlive:
        return renewed(body.ID, "30");
      case Path.range:
        return { kvs: [mine] };
      case Path.txn:
        return body.compare instanceof Array && body.compare.length > 0
          ? txnAnswer({ response_put: {} }, { response_range: { kvs: [mine, before] } })
          : txnAnswer({ response_range: { kvs: [mine] } }, { response_range: { kvs: [before] } });
      default:
        return {};
    }
  }
}

const mine = { key: base64("mine"), create_revision: String(TOKEN) };
const before = { key: base64("before"), create_revision: String(TOKEN - 1n) };

/** The key, with no other before it. */
export const MY_TURN = txnAnswer({ response_range: { kvs: [mine] } }, { response_range: {} });
/** The key is absent. */
export const NO_KEY = txnAnswer({ response_range: {} }, { response_range: { kvs: [before] } });

function txnAnswer(...responses: readonly JsonObject[]): JsonObject {
  return { header: { revision: "20" }, succeeded: true, responses };
}

/** An answer to a renewal; without a number of seconds the lease has ended. */
export function renewed(id: unknown, seconds?: string): JsonObject {
  return { result: { ID: String(id), ...seconds === undefined ? {} : { TTL: seconds } } };
}

export async function scripted(): Promise<ScriptedClient> {
  return new ScriptedClient(await parseEtcd("etcd://127.0.0.1"));
}

function whenAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason);
    signal?.addEventListener("abort", () => reject(signal.reason));
  });
}
