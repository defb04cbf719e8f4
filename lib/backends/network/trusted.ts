/**
 * The CAs that the runtime trusts by default: its own list, the system's list, and what its variables name. Before 2.9
 * Deno trusts them in addition to the CA that it is given, so that naming a CA would not exclude any other.
 */

import { messageOf } from "../../errors.ts";
import { processIo } from "../../io.ts";
import { checkCaFile, hasSystemList, holdsCertificate, refusal, systemListFiles } from "./trusted_files.ts";

/** Deno's variables: which stores to use, and a file of further CAs. */
const STORES = "DENO_TLS_CA_STORE";
const CERTIFICATE = "DENO_CERT";
/** Where the system's list is: a file or a folder. They count only if the stores include the system's. */
const SYSTEM = "SSL_CERT_FILE";
const SYSTEM_FOLDER = "SSL_CERT_DIR";

/** The names of the stores: Mozilla's list, which the runtime brings along, and the system's. */
const MOZILLA = "mozilla";
const SYSTEMS = "system";

let decided: "nobody" | "defaults" | undefined;

/**
 * Sets whom the runtime trusts by default, for as long as this process lives: it loads its list only once. To be called
 * before the first handshake.
 *
 * @param whom Nobody if a CA is named, or if certificates are not checked.
 * @throws {ConfigError} When the defaults cannot be loaded, or a variable cannot be restored for the command.
 */
export function setDefaultTrust(whom: "nobody" | "defaults"): void {
  if (decided === whom || decided === "nobody") return;
  if (decided !== undefined) throw new Error("the runtime has been let trust others than the CA that is named now");
  if (whom === "nobody") withVariables({ [STORES]: "", [CERTIFICATE]: undefined }, loadStores);
  else loadDefaults();
  decided = whom;
}

/** The cheapest way to make the runtime load its list. Does not connect. */
function loadStores(): void {
  Deno.createHttpClient({}).close();
}

/** The runtime aborts the process if its list would be empty, so what it would find is checked first. */
function loadDefaults(): void {
  const asked = processIo.env(STORES);
  const file = processIo.env(SYSTEM);
  const folder = processIo.env(SYSTEM_FOLDER);
  const anywhere = Boolean(file) || Boolean(folder) || hasSystemList();
  const stores = asked?.split(",").map((store) => store.trim()).filter((store) => store !== "") ??
    [MOZILLA, ...(anywhere ? [SYSTEMS] : [])];
  const extra = processIo.env(CERTIFICATE);
  if (stores.some((store) => store !== MOZILLA && store !== SYSTEMS)) {
    throw refusal(`${STORES} names another list than ${SYSTEMS} and ${MOZILLA}`, "correct it, unset it");
  }
  if (stores.length === 0 && extra === undefined) {
    throw refusal(`${STORES} is empty, so that nobody would be trusted`, "unset it");
  }
  if (extra !== undefined) checkCaFile(CERTIFICATE, extra);
  if (stores.includes(SYSTEMS)) {
    if (file) checkCaFile(SYSTEM, file);
    else if (
      stores.every((store) => store === SYSTEMS) && extra === undefined &&
      !systemListFiles(folder).some(holdsCertificate)
    ) {
      throw folder
        ? refusal(
          `the folder that ${SYSTEM_FOLDER} names holds no certificates`,
          "run openssl rehash on it, unset that",
        )
        : refusal(`${STORES} asks for the system's list, and there is none, or an empty one`, "install it, unset that");
    }
  }
  try {
    // Empty variables are removed: env() takes them for absent, but the runtime does not.
    withVariables(
      { [STORES]: stores.join(","), [CERTIFICATE]: extra, [SYSTEM]: file, [SYSTEM_FOLDER]: folder },
      loadStores,
    );
  } catch (error) {
    throw refusal(messageOf(error).split("\n")[0]!, "correct that");
  }
}

/** Calls a function with changed variables, and restores them: the command must get them as they were. */
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
