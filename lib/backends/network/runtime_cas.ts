/**
 * The CAs that the runtime trusts by default: its own list, the system's list, and those that its variables name. Before
 * version 2.9, Deno trusts them in addition to the CA that it is given, so naming a CA would not exclude the others.
 */

import { messageOf } from "../../errors.ts";
import { processIo } from "../../io.ts";
import { CERTIFICATE, decideTrust, loadStores, STORES, trustNobody, withVariables } from "./default_trust.ts";
import { checkCaFile, hasSystemList, holdsCertificate, refusal, systemListFiles } from "./runtime_ca_files.ts";

/** Where the system's list is: a file or a folder. They count only if the stores include the system's. */
const SYSTEM = "SSL_CERT_FILE";
const SYSTEM_FOLDER = "SSL_CERT_DIR";

/** The names of the stores: Mozilla's list, which the runtime brings along, and the system's. */
const MOZILLA = "mozilla";
const SYSTEMS = "system";

/**
 * Sets which CAs the runtime trusts by default, for as long as this process lives, since it loads its list only once. Call
 * this before the first handshake.
 *
 * @param whom Nobody if a CA is named, or if certificates are not checked.
 * @throws {ConfigError} When the defaults cannot be loaded, or a variable cannot be restored for the command.
 */
export function setDefaultTrust(whom: "nobody" | "defaults"): void {
  if (whom === "nobody") trustNobody();
  else decideTrust(whom, loadDefaults);
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
    throw refusal(`${STORES} names a list other than ${SYSTEMS} and ${MOZILLA}`, "correct it, unset it");
  }
  if (stores.length === 0 && extra === undefined) {
    throw refusal(`${STORES} is empty, so no CA would be trusted`, "unset it");
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
