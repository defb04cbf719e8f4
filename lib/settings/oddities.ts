import { environmentName, SETTINGS } from "./table.ts";
import { readOwnProc } from "../system/proc.ts";
import { NOT_SHOWN } from "../text/harmless.ts";
import { nearest } from "../text/nearest.ts";
import type { ConfigFile } from "./config_file.ts";
import { keysOf } from "./json_keys.ts";
import { othersWhoDecide } from "./other_writers.ts";

/** The variables by which Docker and Kubernetes tell of a container or service whose name begins with sera. */
const LINKS = /^SERA_(?:\w+_)?(?:(?:PORT|SERVICE_HOST|SERVICE_PORT)(?:_\w+)?|ENV_\w+)$/;

/** The variables that sera sets for a command, in which there may be another sera. */
const OURS = /^SERA_(?:LOCK_\w+|HELD_LOCKS|SERVER_REMOVED|HOST|RUN_ID|TOKEN)$/;

/** All names of all settings. */
const NAMES = SETTINGS.flatMap(({ name, alias }) => alias === undefined ? [name] : [name, alias]);

/** What is odd about the config file, but harmless, with what to do about it; each one line. */
export function fileOddities(path: string, file: ConfigFile): readonly string[] {
  return [...othersWhoDecide(path, file.info), ...keyOddities(path, file.text)];
}

function keyOddities(path: string, text: string): readonly string[] {
  const seen = new Map<string, string>();
  const notes: string[] = [];
  for (const key of keysOf(text)) {
    const name = key.toLowerCase();
    const shown = /^[\w-]{1,40}$/.test(key) ? key : NOT_SHOWN;
    const before = seen.get(name);
    seen.set(name, shown);
    if (before !== undefined) {
      const both = before === shown ? shown : `${before} and ${shown}`;
      notes.push(`Key given twice in ${path}: ${both}; the last one counts, take the others out`);
    } else notes.push(...keyOddity(path, name, shown));
  }
  return notes;
}

function keyOddity(path: string, name: string, shown: string): readonly string[] {
  const setting = SETTINGS.find((setting) => setting.name === name || setting.alias === name);
  if (setting?.inConfig && setting.name === name) return [];
  if (setting) {
    const variable = environmentName(setting.name);
    return [`Key that is a flag only in ${path}: ${shown}; take it out, and set --${setting.name} or ${variable}`];
  }
  const meant = nearest(name.replace(/^sera[_-]/, ""), NAMES);
  if (meant === undefined) return [`Unknown key in ${path}: ${shown}; correct it, or take it out`];
  const isKey = SETTINGS.some(({ name, inConfig }) => inConfig && name === meant);
  return [`Unknown key in ${path}: ${shown}; did you mean ${isKey ? meant : `the flag --${meant}`}?`];
}

/** What is odd about the flags: those that were given with several values. Each one line. */
export function flagOddities(repeated: readonly string[]): readonly string[] {
  return [...new Set(repeated)].map((name) =>
    `Flag given twice with different values: --${name}; the last one counts, take the others out`
  );
}

/**
 * What is odd about the variables, with what to do about it; each one line. Only on Linux, since the runtime shows sera
 * no variable whose name it does not know.
 */
export function variableOddities(): readonly string[] {
  const known = NAMES.map(environmentName);
  return variables().flatMap(({ name, value }) => {
    if (known.includes(name)) {
      return /^(['"]).*\1$/s.test(value) && name !== "SERA_SERVER"
        ? [`${name} begins and ends with a quote, which is a part of its value; leave the quotes out`]
        : [];
    }
    if (LINKS.test(name) || OURS.test(name)) return [];
    const meant = nearest(name.replace(/^SERA[_-]?/i, ""), NAMES);
    if (meant !== undefined) return [`Unknown variable: ${name}; did you mean ${environmentName(meant)}?`];
    return name.startsWith("SERA_") ? [`Unknown variable: ${name}; no setting of sera has this name`] : [];
  });
}

/** The variables that sera was started with and that may be meant for it. */
function variables(): readonly { readonly name: string; readonly value: string }[] {
  const environment = new TextDecoder().decode(readOwnProc("environ"));
  return environment.split("\0").flatMap((entry) => {
    const [, name, value] = /^(SERA[_-]\w[\w-]{0,40})=(.*)$/is.exec(entry) ?? [];
    return name === undefined ? [] : [{ name, value: value! }];
  });
}
