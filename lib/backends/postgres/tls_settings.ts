import type { Trouble } from "../../errors.ts";
import { DsnError } from "../network/address_text.ts";
import { DENIED, exists, statFile, userFile } from "./libpq_files.ts";
import type { PostgresServer, PostgresSurroundings } from "./server.ts";
import { badSetting, readChoice, type Setting, type Settings, showPath, showPathOf } from "./setting.ts";

const SSLMODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;

type Tls = Pick<PostgresServer, "sslmode" | "sslnegotiation" | "sslrootcert" | "sslcert" | "sslkey">;

/** What the functions in this file read from, and where they report oddities. */
interface Source {
  readonly settings: Settings;
  readonly surroundings: PostgresSurroundings;
  readonly note: (trouble: Trouble) => void;
}

/**
 * Reads how to use TLS, and finds the files for it.
 *
 * @param hasTcp Whether any server is reached over TCP. If not, files are ignored, as in libpq.
 * @throws {DsnError} If settings contradict each other, or a file is missing or accessible to other users.
 * @see https://www.postgresql.org/docs/18/libpq-ssl.html
 */
export function readTls(source: Source, hasTcp: boolean): Tls {
  const { settings } = source;
  const root = settings.get("sslrootcert");
  const isSystem = root?.value === "system";
  const sslmode = readChoice(settings, "sslmode", SSLMODES) ?? (isSystem ? "verify-full" : "prefer");
  const sslnegotiation = readChoice(settings, "sslnegotiation", ["postgres", "direct"]) ?? "postgres";
  if (sslnegotiation === "direct" && ["disable", "allow", "prefer"].includes(sslmode)) {
    throw badSetting(
      settings.get("sslnegotiation")!,
      `direct may not be used with the weak sslmode ${sslmode}`,
      "write sslmode=require, verify-ca or verify-full",
    );
  }
  if (isSystem && sslmode !== "verify-full") {
    throw badSetting(root, `system may not be used with the weak sslmode ${sslmode}`, "write sslmode=verify-full");
  }
  if (sslmode === "disable" || !hasTcp) return { sslmode, sslnegotiation };
  const sslrootcert = isSystem ? "system" : findRoot(source, sslmode);
  return {
    // "If a root CA file exists, the behavior of sslmode=require will be the same as that of verify-ca" (the manual).
    sslmode: sslmode === "require" && sslrootcert !== undefined ? "verify-ca" : sslmode,
    sslnegotiation,
    ...(sslrootcert === undefined ? {} : { sslrootcert }),
    ...findClientCertificate(source),
  };
}

function findRoot({ settings, surroundings, note }: Source, sslmode: Tls["sslmode"]): string | undefined {
  const given = settings.get("sslrootcert");
  const path = given?.value ?? userFile("root.crt", surroundings);
  refuseUnseen(given);
  if (path !== undefined && exists(path)) {
    refuseRevocationList(surroundings);
    return path;
  }
  // A file in sera's own setting must exist, even in a mode where libpq would go on without it.
  if (given?.label === "tls-ca") throw badSetting(given, `there is no file ${showPathOf(given)}`, "correct the path");
  if (sslmode.startsWith("verify-")) {
    const what = path === undefined
      ? "the home folder is not known"
      : `the root certificate ${showPath(path)} is missing`;
    throw badSetting(
      given ?? settings.get("sslmode")!,
      what,
      "give the file with sslrootcert or tls-ca, or use sslrootcert=system with sslmode=verify-full",
    );
  }
  if (given) {
    note({
      what: `The server's certificate is not verified: ${showPath(given.value)} (${given.label}) does not exist`,
    });
  }
  return undefined;
}

/** Refuses a named file if it is unknown whether it exists: unlike a missing one, it must not be ignored. */
function refuseUnseen(given: Setting | undefined): void {
  const info = given && statFile(given.value);
  if (typeof info !== "string") return;
  throw badSetting(given!, `${showPathOf(given!)} cannot be read (${info})`, "correct that, or name another file");
}

/**
 * libpq uses this list whenever it has a root certificate; ignoring it would accept certificates that libpq rejects.
 */
function refuseRevocationList(surroundings: PostgresSurroundings): void {
  const path = userFile("root.crl", surroundings);
  if (path === undefined || !exists(path)) return;
  throw new DsnError(
    `Cannot use ${showPath(path)} for PostgreSQL: revocation lists cannot be checked`,
    "move the file elsewhere",
  );
}

function findClientCertificate({ settings, surroundings }: Source): Pick<Tls, "sslcert" | "sslkey"> {
  if (settings.get("sslcertmode")?.value === "disable") return {};
  const given = settings.get("sslcert");
  const sslcert = given?.value ?? userFile("postgresql.crt", surroundings);
  if (sslcert === undefined) return {};
  refuseUnseen(given);
  if (!exists(sslcert)) {
    // Stricter than libpq, which goes on without it: a file that is named must exist.
    if (given) throw badSetting(given, `${showPath(sslcert)} does not exist`, "correct the path or leave it out");
    return {};
  }
  return { sslcert, sslkey: findKey(settings, sslcert, surroundings) };
}

function findKey(settings: Settings, certificate: string, surroundings: PostgresSurroundings): string {
  const given = settings.get("sslkey");
  if (given?.value.includes(":") && !(Deno.build.os === "windows" && given.value[1] === ":")) {
    throw badSetting(given, "a key in an engine (with a colon) cannot be used", "name the key's file");
  }
  const key = given?.value ?? userFile("postgresql.key", surroundings);
  const bad = (problem: string, cure: string) =>
    new DsnError(`Cannot use the client certificate ${showPath(certificate)} for PostgreSQL: ${problem}`, cure);
  if (key === undefined) throw bad("its private key is not known", "name it with sslkey");
  const info = statFile(key);
  if (info === undefined) throw bad(`there is no private key ${showPath(key)}`, "name it with sslkey");
  if (typeof info === "string") {
    throw bad(
      `its private key ${showPath(key)} cannot be read (${info})`,
      `${info === DENIED ? "make it readable for this user, or name another one" : "correct the path"} with sslkey`,
    );
  }
  if (!info.isFile) throw bad(`its private key ${showPath(key)} is not a regular file`, "name one with sslkey");
  // Windows has no mode.
  if (((info.mode ?? 0) & (info.uid === 0 ? 0o037 : 0o077)) !== 0) {
    throw bad(
      `group or others have access to its private key ${showPath(key)}`,
      "set its mode to 0600, or to 0640 if root owns it",
    );
  }
  return key;
}
