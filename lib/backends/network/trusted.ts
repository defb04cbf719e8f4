/**
 * Whom the runtime trusts by itself: its own list, the system's, and what its variables name. Before 2.9 Deno takes those
 * besides the CA that it is told, so that a sera that names one would trust the whole world too.
 */

import { messageOf } from "../../errors.ts";
import { processIo } from "../../io.ts";
import { candidates, holdsCertificate, isThere, lookInto, refusal } from "./trusted_files.ts";

/** The variables by which Deno learns of CAs. */
const STORES = "DENO_TLS_CA_STORE";
const CERTIFICATE = "DENO_CERT";
/** The system's list, in a file or in a folder. It counts only where the stores include it. */
const SYSTEM = "SSL_CERT_FILE";
const SYSTEM_FOLDER = "SSL_CERT_DIR";

/** The names of the stores: the list that Mozilla keeps, which comes with the runtime, and the system's. */
const MOZILLA = "mozilla";
const SYSTEMS = "system";

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

/** The least that makes the runtime look whom to trust; it connects to nobody. */
function look(): void {
  Deno.createHttpClient({}).close();
}

/** The runtime ends the process where it would have to trust nobody, so what it would find is looked at first. */
function lookAtItsOwn(): void {
  const asked = processIo.env(STORES);
  const file = processIo.env(SYSTEM);
  const folder = processIo.env(SYSTEM_FOLDER);
  const anywhere = Boolean(file) || Boolean(folder) || isThere();
  const stores = asked?.split(",").map((store) => store.trim()).filter((store) => store !== "") ??
    [MOZILLA, ...(anywhere ? [SYSTEMS] : [])];
  const extra = processIo.env(CERTIFICATE);
  if (stores.some((store) => store !== MOZILLA && store !== SYSTEMS)) {
    throw refusal(`${STORES} names another list than ${SYSTEMS} and ${MOZILLA}`, "correct it, unset it");
  }
  if (stores.length === 0 && extra === undefined) {
    throw refusal(`${STORES} is empty, so that nobody would be trusted`, "unset it");
  }
  if (extra !== undefined) lookInto(CERTIFICATE, extra);
  if (stores.includes(SYSTEMS)) {
    if (file) lookInto(SYSTEM, file);
    else if (
      stores.every((store) => store === SYSTEMS) && extra === undefined && !candidates(folder).some(holdsCertificate)
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
    // An empty variable counts as absent, which for the runtime it is not.
    withVariables({ [STORES]: stores.join(","), [CERTIFICATE]: extra, [SYSTEM]: file, [SYSTEM_FOLDER]: folder }, look);
  } catch (error) {
    throw refusal(messageOf(error).split("\n")[0]!, "correct that");
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
