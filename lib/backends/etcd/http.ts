import { trustNobody, withVariables } from "../network/default_trust.ts";
import type { EtcdAddress } from "./address.ts";

/** The variables by which the runtime would send requests to a proxy; each is read in both spellings. */
const PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].flatMap((name) => [name, name.toLowerCase()]);

/**
 * Makes what requests are sent with: TLS as the address has it, HTTP/1.1, and no proxy. A proxy of the environment is for
 * the Web: it would see the password, and may cut long requests, repeat them, or have a cluster of its own.
 *
 * @throws {ConfigError} When a certificate or a key cannot be used, or a variable cannot be restored for the command.
 */
export async function openHttp(address: EtcdAddress): Promise<Deno.HttpClient> {
  const tls = address.tls ? await tlsOptions(address) : undefined;
  const create = () =>
    withVariables(
      Object.fromEntries(PROXIES.map((name) => [name, undefined])),
      () => Deno.createHttpClient({ ...tls, http2: false }),
    );
  let http: Deno.HttpClient | undefined;
  // In clear text nobody need be trusted; to load the defaults could fail.
  if (!tls) trustNobody(() => http = create());
  return http ?? create();
}

async function tlsOptions({ ca, cert, key }: EtcdAddress): Promise<Deno.CreateHttpClientOptions> {
  // The defaults need checks that load parts of Node's.
  if (ca === undefined) (await import("../network/trusted.ts")).setDefaultTrust("defaults");
  else trustNobody();
  const { readCertificates } = await import("../network/tls_files.ts");
  const trusted = ca === undefined
    ? {}
    : { caCerts: [await readCertificates({ path: ca, what: "CA file", setting: "tls-ca" })] };
  if (cert === undefined || key === undefined) return trusted;
  const { readClientCertificate } = await import("../network/client_certificate.ts");
  return { ...trusted, ...await readClientCertificate(cert, key, { cert: "cert", key: "key" }) };
}
