import { type Trouble, TroubleError } from "../../errors.ts";
import { formatDuration } from "../../text/duration.ts";
import { type Endpoint, type EtcdAddress, shownEndpoint } from "./address.ts";
import { readLines, readWhole } from "./body.ts";
import { EtcdError } from "./errors.ts";
import { field, type JsonObject, MalformedAnswerError, object, parseJson } from "./json.ts";

/** What goes along with a request. */
export interface Sending {
  readonly http: Deno.HttpClient;
  /** The token of a login. */
  readonly token: string | undefined;
  /** Ends the request, and the stream that it began. */
  readonly signal: AbortSignal;
}

/**
 * The header that tells the gateway to require a leader. Without it a member that is cut off from the others would let
 * requests hang, and a watch be silent for ever.
 */
const WITH_LEADER = { "Grpc-Metadata-Hasleader": "true" };

/** One member of a cluster, asked over its JSON gateway. */
export class Member {
  /** For messages. */
  readonly where: string;
  readonly url: string;
  readonly endpoint: Endpoint;
  readonly #address: EtcdAddress;
  #down = new AbortController();
  /** Whether it has ever answered like etcd. */
  #isEtcd = false;

  constructor(endpoint: Endpoint, address: EtcdAddress) {
    this.endpoint = endpoint;
    this.#address = address;
    this.where = `etcd at ${shownEndpoint(endpoint)}`;
    this.url = `${address.tls ? "https" : "http"}://${shownEndpoint(endpoint)}`;
  }

  /** Fires the next time that it is found not to answer. */
  get down(): AbortSignal {
    return this.#down.signal;
  }

  /** Ends everything in progress with it, since it no longer answers. */
  isDown(why: EtcdError): void {
    const down = this.#down;
    this.#down = new AbortController();
    down.abort(why);
  }

  /** The error for no answer in time. */
  slow(limit: number): EtcdError {
    return this.error(
      {
        what: `no answer within ${formatDuration(Math.round(limit))}`,
        cure: "check the address and the firewall, and see its log",
      },
      { transient: true },
    );
  }

  /** An error of this member that another may not have. */
  error(
    { what, cure }: Trouble,
    { transient, closed = false }: { readonly transient: boolean; readonly closed?: boolean },
  ): EtcdError {
    return new EtcdError(this.where, { what, cure }, { elsewhere: true, transient, closed });
  }

  /**
   * Sends a request and reads the answer.
   *
   * @throws {EtcdError} When etcd refuses, or the answer is not etcd's.
   * @throws The signal's reason when it is aborted.
   */
  async ask(path: string, body: JsonObject, sending: Sending): Promise<JsonObject> {
    try {
      const answer = parseJson(await readWhole(await this.#send(path, body, sending)));
      this.#isEtcd = true;
      return answer;
    } catch (error) {
      throw await this.#meant(error, sending);
    }
  }

  /**
   * Sends a request with a streamed answer. The stream ends only with an error.
   *
   * @returns The `result` of each message.
   * @throws As {@linkcode ask}.
   */
  async *follow(path: string, body: JsonObject, sending: Sending): AsyncGenerator<JsonObject, never> {
    try {
      for await (const line of readLines(await this.#send(path, body, sending))) {
        const message = parseJson(line);
        if (field(message, "result") === undefined) {
          throw await this.#refusal(message) ?? new MalformedAnswerError("no result");
        }
        const result = object(message, "result");
        this.#isEtcd = true;
        yield result;
      }
    } catch (error) {
      throw await this.#meant(error, sending);
    }
    throw this.error({ what: "the server ended the stream", cure: "see its log" }, { transient: true, closed: true });
  }

  /** @returns An answer that is not an error. */
  async #send(path: string, body: JsonObject, { http, token, signal }: Sending): Promise<Response> {
    const response = await fetch(`${this.url}${path}`, {
      method: "POST",
      headers: { ...WITH_LEADER, ...token === undefined ? {} : { Authorization: token } },
      body: JSON.stringify(body),
      redirect: "manual",
      client: http,
      signal,
    });
    if (response.status === 200) return response;
    const text = await readWhole(response);
    let refusal: EtcdError | undefined;
    try {
      refusal = await this.#refusal(parseJson(text));
    } catch (error) {
      if (!(error instanceof MalformedAnswerError)) throw error;
    }
    if (refusal) throw refusal;
    const { whatAnswers } = await import("./not_etcd.ts");
    throw this.error(await whatAnswers(this.url, response.status, text, { client: http, signal }), {
      transient: [502, 503, 504].includes(response.status),
    });
  }

  async #refusal(json: JsonObject): Promise<EtcdError | undefined> {
    const { readRefusal, refused } = await import("./refusals.ts");
    const refusal = readRefusal(json);
    return refusal && refused(this.where, refusal, this.#address.prefix);
  }

  /** What an error means, as one of this member. */
  async #meant(error: unknown, { http, signal }: Sending): Promise<unknown> {
    if (signal.aborted) return signal.reason;
    if (error instanceof EtcdError) return error;
    if (error instanceof MalformedAnswerError) {
      return this.error({ what: error.why, cure: error.cure }, { transient: false });
    }
    if (error instanceof TroubleError) return error;
    // The runtime's errors of fetch and of reading; all others are sera's own.
    if (!(error instanceof TypeError || error instanceof Deno.errors.Http)) return error;
    const { describeFetchError } = await import("./fetch_errors.ts");
    const failure = describeFetchError(error);
    const { kind } = failure;
    if (kind === "network" || kind === "ended" && this.#isEtcd) return this.error(failure, failure);
    const { whyNoAnswer } = await import("./wrong_protocol.ts");
    const why = await whyNoAnswer(this.endpoint, failure, this.#address, http, signal);
    return why ? this.error(why, { transient: false }) : this.error(failure, failure);
  }
}
