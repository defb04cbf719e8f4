/**
 * Whom the runtime trusts by itself: its own list, the system's, and what its variables name. Before 2.9 Deno takes those
 * besides the CA that it is told, so that a sera that names one would trust the whole world too.
 */

import { ConfigError, messageOf } from "../errors.ts";
import { processIo } from "../io.ts";

/** The variables by which Deno learns of CAs. Those of the system's list, as SSL_CERT_FILE, only count through it. */
const STORES = "DENO_TLS_CA_STORE";
const CERTIFICATE = "DENO_CERT";
/** The system's list, in a file. */
const SYSTEM = "SSL_CERT_FILE";

let decided: "nobody" | "its own" | undefined;

/**
 * Decides whom the runtime trusts for as long as this process lives: it looks once, and goes by that ever after. Call it
 * before the first handshake.
 *
 * @param whom Nobody where a CA is named, or no certificate is checked.
 * @throws {ConfigError} When the runtime's own cannot be loaded, or a variable cannot be put back for the command.
 */
export function trustByItself(whom: "nobody" | "its own"): void {
  if (decided === whom || decided === "nobody") return;
  if (decided !== undefined) throw new Error("the runtime has been let trust others than the CA that is named now");
  if (whom === "nobody") withVariables({ [STORES]: "", [CERTIFICATE]: undefined }, look);
  else lookAtItsOwn();
  decided = whom;
}

/** Of a FIFO the runtime would wait for ever. */
function refuseFifo(): void {
  const path = processIo.env(SYSTEM);
  if (!path || !isFifo(path)) return;
  throw new ConfigError(
    `Cannot load the CAs that the runtime trusts: ${SYSTEM} names a FIFO; name a file, unset it, or name a CA yourself`,
  );
}

function isFifo(path: string): boolean {
  try {
    return Deno.statSync(path).isFifo === true;
  } catch {
    // What cannot be looked at is the runtime's to judge.
    return false;
  }
}

/** The least that makes the runtime look whom to trust; it connects to nobody. */
function look(): void {
  Deno.createHttpClient({}).close();
}

function lookAtItsOwn(): void {
  refuseFifo();
  try {
    const file = processIo.env(CERTIFICATE);
    // The runtime would read a pipe or a device without an end.
    if (file !== undefined && !Deno.statSync(file).isFile) throw new Error("not a plain file");
    look();
  } catch (error) {
    const named = [CERTIFICATE, STORES].filter((name) => processIo.env(name) !== undefined);
    // What a variable holds is not repeated.
    const why = named.length === 0 ? messageOf(error).split("\n")[0] : `see to ${named.join(" and ")}`;
    throw new ConfigError(`Cannot load the CAs that the runtime trusts: ${why}; correct that, or name a CA yourself`);
  }
}

/** Does something with other variables, and puts them back: the command gets them as they were. */
function withVariables(changed: Readonly<Record<string, string | undefined>>, action: () => void): void {
  const before = Object.keys(changed).map((name) =>
    [name, Deno.env.has(name) ? processIo.env(name) ?? "" : undefined] as const
  );
  try {
    for (const [name, value] of Object.entries(changed)) setVariable(name, value);
    action();
  } finally {
    for (const [name, value] of before) setVariable(name, value);
  }
}

function setVariable(name: string, value: string | undefined): void {
  if (value === undefined) Deno.env.delete(name);
  else Deno.env.set(name, value);
}
