import { showPlain, showQuoted } from "../network/address_text.ts";
import { POSTGRES_KEYWORDS, type PostgresKeyword } from "./keywords.ts";
import { readService } from "./service.ts";
import type { PostgresSurroundings } from "./server.ts";
import { badSetting, type Setting, type Settings } from "./setting.ts";

/**
 * Adds what the text does not set: from the service, then from sera's own settings, then from the environment. Empty
 * settings are then removed, so that they have their defaults.
 *
 * @throws {DsnError} For a service that cannot be read, or a value that sera does not support.
 */
export function completeSettings(given: Settings, surroundings: PostgresSurroundings): Settings {
  const all = new Map(given);
  // A variable that is not needed is not read, since reading it may fail.
  const addVariable = (name: string, variable: string | undefined) => {
    const setting = all.has(name) ? undefined : variableSetting(variable, surroundings);
    if (setting) all.set(name, setting);
  };
  addVariable("service", "PGSERVICE");
  addVariable("servicefile", "PGSERVICEFILE");
  const service = all.get("service");
  if (service?.value) {
    const file = all.get("servicefile");
    for (const [name, setting] of readService(service, file?.value ? file : undefined, surroundings)) {
      if (!all.has(name)) all.set(name, setting);
    }
  }
  const { tlsCa } = surroundings;
  if (tlsCa !== undefined) {
    const other = all.get("sslrootcert");
    if (other?.value) throw badSetting(other, "tls-ca names a CA as well", "leave out one of the two");
    all.set("sslrootcert", { value: tlsCa, label: "tls-ca", show: showQuoted });
  }
  for (const { name, variable, treatment } of POSTGRES_KEYWORDS) {
    if (treatment !== "ignored") addVariable(name, variable);
  }
  const old = all.has("sslmode") ? undefined : requireSsl(surroundings);
  if (old) all.set("sslmode", old);
  const settings = new Map([...all].filter(([, setting]) => setting.value !== ""));
  for (const keyword of POSTGRES_KEYWORDS) checkRestriction(keyword, settings);
  return settings;
}

function variableSetting(name: string | undefined, { env }: PostgresSurroundings): Setting | undefined {
  const value = name === undefined ? undefined : env(name);
  return value && name ? { value, label: name, show: showPlain } : undefined;
}

/** The deprecated PGREQUIRESSL: as in libpq, only a leading 1 has an effect. */
function requireSsl({ env }: PostgresSurroundings): Setting | undefined {
  const isOn = env("PGREQUIRESSL")?.startsWith("1");
  return isOn ? { value: "require", label: "PGREQUIRESSL", show: showQuoted } : undefined;
}

function checkRestriction({ name, treatment }: PostgresKeyword, settings: Settings): void {
  const setting = settings.get(name);
  if (!setting || typeof treatment === "string") return;
  const value = name.startsWith("ssl_") ? setting.value.toLowerCase() : setting.value;
  if (!treatment.accepted.includes(value)) throw badSetting(setting, treatment.why, treatment.instead);
}
