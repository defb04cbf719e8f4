import type { Trouble } from "../errors.ts";
import { readOwnProc } from "../system/proc.ts";
import { NOT_SHOWN } from "../text/redaction.ts";
import { nearest } from "../text/nearest.ts";
import type { ConfigFile } from "./config_file.ts";
import { keysOf } from "./json_keys.ts";
import { otherWriters } from "./other_writers.ts";
import { environmentName, SETTINGS, TABLE } from "./table.ts";

/** Variables that Docker and Kubernetes set for a container or service whose name begins with sera. */
const LINKS = /^SERA_(?:\w+_)?(?:(?:PORT|SERVICE_HOST|SERVICE_PORT)(?:_\w+)?|ENV_\w+)$/;

/** Variables that sera sets for its command, which may be another sera. */
const OURS = /^SERA_(?:LOCK_\w+|HELD_LOCKS|SERVER_REMOVED|HOST|RUN_ID|SLOT|TOKEN)$/;

/** The names of all settings, aliases included. */
const NAMES = SETTINGS.flatMap(({ name, alias }) => alias === undefined ? [name] : [name, alias]);

const LAST_COUNTS = "the last one counts; remove the others";

/** Warnings about the config file: mistakes that do not keep sera from running. */
export function fileWarnings(path: string, file: ConfigFile): readonly Trouble[] {
  return [...otherWriters(path, file.info), ...keyWarnings(path, file.text)];
}

/** Warnings about the file that holds the server. */
export function serverFileWarnings(path: string): readonly Trouble[] {
  return otherWriters(path, Deno.statSync(path), "server file");
}

/** Warnings about the keys of the config file. */
export function keyWarnings(path: string, text: string): readonly Trouble[] {
  const seen = new Map<string, string>();
  const notes: Trouble[] = [];
  for (const key of keysOf(text)) {
    const name = key.toLowerCase();
    const shown = /^[\w-]{1,40}$/.test(key) ? key : NOT_SHOWN;
    const before = seen.get(name);
    seen.set(name, shown);
    if (before !== undefined) {
      const both = before === shown ? shown : `${before} and ${shown}`;
      notes.push({ what: `Key given twice in ${path}: ${both}`, cure: LAST_COUNTS });
    } else notes.push(...keyWarning(path, name, shown));
  }
  return notes;
}

function keyWarning(path: string, name: string, shown: string): readonly Trouble[] {
  const setting = SETTINGS.find((setting) => setting.name === name || setting.alias === name);
  if (setting?.inConfig && setting.name === name) return [];
  if (setting) {
    const variable = environmentName(setting.name);
    const what = `Key not allowed in ${path}: ${shown}`;
    return [{ what, cure: `remove it; set it with the flag --${setting.name} or the variable ${variable}` }];
  }
  const meant = nearest(name.replace(/^sera[_-]/, ""), NAMES);
  const what = `Unknown key in ${path}: ${shown}`;
  if (meant === undefined) return [{ what, cure: "correct or remove it" }];
  const isKey = SETTINGS.some(({ name, inConfig }) => inConfig && name === meant);
  return [{ what, cure: `did you mean ${isKey ? meant : `the flag --${meant}`}?` }];
}

/**
 * Warnings about the flags.
 *
 * @param repeated The flags that were given with different values.
 */
export function flagWarnings(repeated: Iterable<string>): readonly Trouble[] {
  return [...repeated].map((name) => ({
    what: `Flag given twice with different values: --${name}`,
    cure: LAST_COUNTS,
  }));
}

/**
 * Warnings about the variables. Only on Linux, where sera can read them from /proc: the runtime permits it to read
 * variables of certain names only, and to list none.
 */
export function variableWarnings(): readonly Trouble[] {
  const known = NAMES.map(environmentName);
  return variables().flatMap(({ name, value }) => {
    if (known.includes(name)) {
      // A server in quotes is an error, reported elsewhere.
      return /^(['"]).*\1$/s.test(value) && name !== environmentName(TABLE.server.name)
        ? [{ what: `${name} begins and ends with a quote, which is part of its value`, cure: "leave the quotes out" }]
        : [];
    }
    if (LINKS.test(name) || OURS.test(name)) return [];
    const meant = nearest(name.replace(/^SERA[_-]?/i, ""), NAMES);
    const what = `Unknown variable: ${name}`;
    if (meant !== undefined) return [{ what, cure: `did you mean ${environmentName(meant)}?` }];
    return name.startsWith("SERA_") ? [{ what, cure: "no setting of sera has this name" }] : [];
  });
}

/** The variables that sera was started with and whose names begin with SERA. */
function variables(): readonly { readonly name: string; readonly value: string }[] {
  const environment = new TextDecoder().decode(readOwnProc("environ"));
  return environment.split("\0").flatMap((entry) => {
    const [, name, value] = /^(SERA[_-]\w[\w-]{0,40})=(.*)$/is.exec(entry) ?? [];
    return name === undefined ? [] : [{ name, value: value! }];
  });
}
