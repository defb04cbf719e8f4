/** Why a connection could not be used for a request; loaded only when that happens. */

import { messageOf, type Trouble } from "../../errors.ts";
import { aborted, elapsed, firstOf, settled } from "../../waiting.ts";
import type { Endpoint, EtcdAddress } from "./address.ts";
import { shownEndpoint } from "./address.ts";
import type { FetchFailure } from "./fetch_errors.ts";
import { askVersion, SPEAKS_NO_TLS, SPEAKS_TLS } from "./not_etcd.ts";

/** How long to try the other protocol, with or without TLS, in milliseconds. */
const PATIENCE = 1000;

/** The runtime's message about a server that does not speak TLS; such a server may also just end the connection. */
const NO_TLS = /handshake eof|corrupt message|InvalidContentType/;

/**
 * Says why, if more can be found out.
 *
 * @returns Undefined if no more is known than the failure itself says.
 * @throws The signal's reason when it is aborted.
 */
export async function whyNoAnswer(
  endpoint: Endpoint,
  failure: FetchFailure,
  address: EtcdAddress,
  client: Deno.HttpClient,
  signal: AbortSignal,
): Promise<Trouble | undefined> {
  if (!address.tls) return await speaksTls(endpoint, signal) ? SPEAKS_TLS : undefined;
  if (failure.kind === "ended" || NO_TLS.test(failure.words)) {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]);
    const version = await askVersion(`http://${shownEndpoint(endpoint)}`, { client, signal: limit })
      .catch(() => signal.throwIfAborted());
    if (version !== undefined) return SPEAKS_NO_TLS;
  }
  if (failure.kind !== "tls") return undefined;
  const { describeFailedTls } = await import("./tls_failure.ts");
  return await describeFailedTls(failure.words, endpoint, address, signal);
}

/** Whether what listens there answers in TLS; a certificate that is not trusted shows it too. */
async function speaksTls({ host: hostname, port }: Endpoint, signal: AbortSignal): Promise<boolean> {
  const connecting = Deno.connectTls({ hostname, port }).then(async (connection) => {
    using _ = connection;
    await connection.handshake();
    return true;
  }).catch((error) => /invalid peer certificate|alert/i.test(messageOf(error)));
  return await firstOf<boolean>(
    settled(connecting),
    aborted(signal, () => signal.throwIfAborted() ?? false),
    elapsed(PATIENCE, () => false),
  );
}
