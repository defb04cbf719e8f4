import { LockUnavailableError, type Trouble, UnsafeServerError } from "../../errors.ts";
import { requestTimeoutOf } from "../../lock/lease.ts";
import { CLOSED, ConnectionError, isTransientNetworkError } from "../network/errors.ts";
import { ProtocolError } from "../network/protocol_error.ts";
import { withPortHint } from "../network/usual_ports.ts";
import { markOf } from "../sql/mark.ts";
import { Session } from "../sql/session.ts";
import { describeMySqlError, isParseError, isTransientMySqlError, whereIs } from "./errors.ts";
import { answerTimeout, asDriver, hostOf, type Login, logIn, streamOf } from "./login.ts";
import type { MySqlOptions } from "./options.ts";
import { firstUsable } from "./first_usable.ts";
import type { MySqlDsn, MySqlHost } from "./server.ts";
import { decideWithCluster, setUp } from "./set_up.ts";
import { isGaleraNode, refuseUnsafe, serverIdentity, type ServerVariables, whyNodeLocal } from "./topology.ts";

/** One connection to a MySQL or MariaDB server, never replaced by another. */
export class MySqlSession extends Session {
  /** The global variables of the server; empty until they were read. */
  variables: ServerVariables = new Map();
  /** How it logged in; undefined until it has. */
  login: Login | undefined;
  /** The lower 32 bits of the id in the greeting: the server's, or a proxy's own. Undefined before the greeting. */
  get loginId(): number | undefined {
    return this.login?.connection.threadId;
  }

  /** The server's id for this connection; undefined until it was read. */
  id: number | undefined;

  override get number(): number | undefined {
    return this.id;
  }

  /** Whether session locks are cluster-wide, which they are not on a node of a multi-primary cluster. */
  get hasSessionLocks(): boolean {
    return whyNodeLocal(this.variables) === undefined;
  }

  override get serverMark(): string {
    return serverIdentity(this.variables).mark;
  }
}

/**
 * Connects to the first of the DSN's servers that accepts the login and is safe to lock on, and sets the session up as
 * the DSN asks. If unsafe servers are allowed, and none is safe, uses the first that accepts the login.
 *
 * @param signal Aborts the attempt.
 * @param limit Milliseconds after which the signal aborts it.
 * @throws {LockUnavailableError} When there is no such server.
 * @throws {ConfigError} When the CA file, or the runtime's own CA settings, cannot be used.
 */
export async function openMySqlSession(
  dsn: MySqlDsn,
  options: MySqlOptions,
  signal: AbortSignal,
  limit = Infinity,
): Promise<MySqlSession> {
  const ca = dsn.tls === "off" ? undefined : await prepareTls(dsn, options.tlsCa);
  // A lease cannot be written on an unsuitable server, whatever is allowed.
  const mayBeUnfit = options.leased ? options.observesOnly === true : options.allowUnsafeServer;
  const search = (mayBeUnfit: boolean) =>
    firstUsable(dsn, (host, signal) => openOn(host, ca, options, mayBeUnfit, signal), signal, limit);
  if (!mayBeUnfit || dsn.addresses.length === 1) return await search(mayBeUnfit);
  try {
    return await search(false);
  } catch (error) {
    if (!(error instanceof UnsafeServerError)) throw error;
    return await search(true);
  }
}

async function openOn(
  host: MySqlHost,
  ca: string | undefined,
  { lease, leased, presence }: MySqlOptions,
  mayBeUnfit: boolean,
  signal: AbortSignal,
): Promise<MySqlSession> {
  const login = await logIn(host, presence, ca, host.tls !== "off", signal).catch(async (error) => {
    throw await wrap(host, error, signal, () => logIn(host, presence, ca, "certificate only", signal));
  });
  const { connection, guard } = login;
  const translator = {
    describe: describeMySqlError,
    isTransient: isTransientMySqlError,
    mayRefuseSeveral: isParseError,
  };
  // A session for a lease is given up sooner, since another one can take its place while the lease lasts.
  const limit = Math.min(answerTimeout(host), leased ? requestTimeoutOf(lease.ttl) : Infinity);
  const session = new MySqlSession(whereIs(host), asDriver(login), translator, limit);
  session.login = login;
  // With the time, since neither MySQL nor MariaDB shows when a session connected.
  session.mark = markOf({ ...presence, connected: Date.now() });
  connection.on("error", (error) => session.ended(error));
  guard.onFailure((error) => session.ended(error));
  // On ECONNRESET the driver notifies only the running statement.
  streamOf(connection).prependListener("error", (error) => session.ended(error));
  connection.on("end", () => session.ended(new ConnectionError(CLOSED.what, CLOSED.cure)));
  try {
    session.variables = await setUp(session, host, { lease }, signal);
    if (!mayBeUnfit) refuseUnsafe(session.where, session.variables, leased);
    if (leased && isGaleraNode(session.variables)) await decideWithCluster(session, signal);
  } catch (error) {
    session.destroy();
    throw error;
  }
  return session;
}

/** Decides which CAs to trust, and returns the PEM text of the CA file if one is named. */
async function prepareTls(dsn: MySqlDsn, tlsCa: string | undefined): Promise<string | undefined> {
  const [{ setDefaultTrust }, { readCertificates }] = await Promise.all([
    import("../network/runtime_cas.ts"),
    import("../network/tls_files.ts"),
  ]);
  const isChecked = dsn.tls === "verify";
  setDefaultTrust(isChecked && tlsCa === undefined ? "defaults" : "nobody");
  if (!isChecked || tlsCa === undefined) return undefined;
  return await readCertificates({ path: tlsCa, what: "CA file", setting: "tls-ca" });
}

/** Turns the driver's error into one that says where, what failed and what to do; keeps a signal's reason. */
async function wrap(
  host: MySqlHost,
  error: unknown,
  signal: AbortSignal,
  fetchCertificate: () => Promise<unknown>,
): Promise<unknown> {
  if (signal.aborted) return signal.reason;
  const trouble = (error as { code?: string }).code === "HANDSHAKE_SSL_ERROR"
    ? await describeHandshake(host, error, fetchCertificate)
    : describeMySqlError(error);
  // A server of another kind answers in no way that MySQL does.
  const isOther = error instanceof ProtocolError || isTransientNetworkError(error);
  const told = isOther ? withPortHint(trouble, "MySQL", host.addresses[0]) : trouble;
  return LockUnavailableError.on(whereIs(host), told, { transient: isTransientMySqlError(error), cause: error });
}

async function describeHandshake(
  host: MySqlHost,
  error: unknown,
  fetchCertificate: () => Promise<unknown>,
): Promise<Trouble> {
  const { describeTlsFailure } = await import("../network/tls_trouble.ts");
  const verify = host.tls === "verify";
  return await describeTlsFailure(error, { host: hostOf(host), verify, setting: "tls-ca", fetchCertificate });
}
