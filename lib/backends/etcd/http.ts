import { trustNobody, withVariables } from "../network/default_trust.ts";
import type { EtcdAddress } from "./address.ts";

/** The variables that make the runtime send requests to a proxy; each is read in both spellings. */
const PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].flatMap((name) => [name, name.toLowerCase()]);

/**
 * How long a connection may be silent, in milliseconds, before it is used or replaced: it may have broken silently.
 */
export const MAX_SILENCE = 300_000;

/** How long the runtime keeps an idle connection: longer than any is left idle on purpose. */
const KEPT_IDLE = MAX_SILENCE + 30_000;

/**
 * The HTTP clients: TLS as the address says, HTTP/1.1, and no proxy. A proxy in the environment is meant for the Web: it
 * would see the password, and may cut off long requests, repeat them, or reach another cluster.
 */
export class EtcdHttp implements Disposable {
  /** For requests that are answered at once. */
  readonly calls: Deno.HttpClient;
  readonly #options: Deno.CreateHttpClientOptions;
  #streams: Deno.HttpClient | undefined;

  private constructor(options: Deno.CreateHttpClientOptions, calls: Deno.HttpClient) {
    this.#options = options;
    this.calls = calls;
  }

  /**
   * Does not connect.
   *
   * @throws {ConfigError} When a certificate or a key cannot be used, or a variable cannot be restored for the command.
   */
  static async open(address: EtcdAddress): Promise<EtcdHttp> {
    const tls = address.tls ? await tlsOptions(address) : undefined;
    const options = { ...tls, http2: false, poolIdleTimeout: KEPT_IDLE };
    let calls: Deno.HttpClient | undefined;
    // Without TLS no CA is needed, and loading the defaults could fail.
    if (!tls) trustNobody(() => calls = create(options));
    return new EtcdHttp(options, calls ?? create(options));
  }

  /**
   * For streamed answers; created on first use. Over HTTP/1.1 each stream occupies a connection: it would take the one that
   * is open from the calls, and the next call, which may be urgent, would have to connect.
   */
  get streams(): Deno.HttpClient {
    return this.#streams ??= create(this.#options);
  }

  /** Closes the connections. Do not use it after that. */
  [Symbol.dispose](): void {
    this.calls.close();
    this.#streams?.close();
  }
}

function create(options: Deno.CreateHttpClientOptions): Deno.HttpClient {
  return withVariables(
    Object.fromEntries(PROXIES.map((name) => [name, undefined])),
    () => Deno.createHttpClient(options),
  );
}

async function tlsOptions({ ca, cert, key }: EtcdAddress): Promise<Deno.CreateHttpClientOptions> {
  // The defaults need checks that load parts of Node's.
  if (ca === undefined) (await import("../network/runtime_cas.ts")).setDefaultTrust("defaults");
  else trustNobody();
  const { readCertificates } = await import("../network/tls_files.ts");
  const trusted = ca === undefined
    ? {}
    : { caCerts: [await readCertificates({ path: ca, what: "CA file", setting: "tls-ca" })] };
  if (cert === undefined || key === undefined) return trusted;
  const { readClientCertificate } = await import("../network/client_certificate.ts");
  return { ...trusted, ...await readClientCertificate(cert, key, { cert: "cert", key: "key" }) };
}
