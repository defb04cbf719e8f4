import { type Trouble, UsageError } from "../errors.ts";
import { namedSetting } from "./named_setting.ts";
import type { Settings } from "./settings.ts";
import { shownSetting } from "./shown_setting.ts";
import { keysIn, type Need, type Setting, SETTING_KEYS, TABLE } from "./table.ts";

/** Why a setting has no effect, and what to do about a flag that sets it. */
interface Reason {
  readonly why: string;
  readonly cure: string;
}

/** A setting that has no effect on this run. */
interface Ineffective extends Reason {
  readonly setting: Setting;
  readonly source: string;
}

/** For each need, why this run lacks it; undefined if it does not. Notes come in this order. */
const REASONS: { readonly [N in Need]: (settings: Settings) => Reason | undefined } = {
  rule: (settings) =>
    hasRule(settings) ? undefined : {
      why: "neither --once nor --every is set",
      cure: "add --once KEY or --every DURATION, or leave it out",
    },
  ledger: ({ ledger, sourceOf }) =>
    ledger.on ? undefined : {
      why: "the ledger is off",
      cure: sourceOf("ledger") === "--ledger"
        ? "leave it out, or remove --ledger=false"
        : "add --ledger, or leave it out",
    },
  rows: ({ server: { offers, title } }) =>
    offers.leases === "anyway" ? { why: `the locks of ${title} are always leases`, cure: "leave it out" } : undefined,
  lease: ({ server, lease, sourceOf }) => {
    if (server.offers.leases === "anyway") {
      return { why: `${server.title} does not keep leases in a table`, cure: "leave it out" };
    }
    if (lease) return undefined;
    if (!server.offers.leases) return { why: `${server.title} does not support leases`, cure: "leave it out" };
    return {
      why: "leases are off",
      cure: sourceOf("lease") === "--lease" ? "leave it out, or remove --lease=false" : "add --lease, or leave it out",
    };
  },
  tls: ({ server }) =>
    server.offers.tls === "none"
      ? { why: "the server is not reached over a network, so there is no TLS", cure: "leave it out" }
      : undefined,
  "no verbose": (settings) =>
    settings.verbose === false ? undefined : {
      why: `progress messages are on (${shownSetting("verbose", settings)})`,
      cure: settings.sourceOf("verbose") === "--verbose"
        ? "leave out one of the two"
        : "add --verbose=false, or leave it out",
    },
  skip: (settings) =>
    settings.waitAndSkip || hasRule(settings)
      ? undefined
      : { why: "nothing is skipped without --wait-and-skip, --once or --every", cure: "leave it out" },
  unsafe: ({ server }) =>
    server.offers.mayBeUnsafe
      ? undefined
      : { why: `sera never refuses ${server.title} as unsafe`, cure: "leave it out" },
};

/**
 * Refuses flags that have no effect: whoever wrote one expects something that will not happen.
 *
 * @param flags The flags as given.
 * @throws {UsageError}
 */
export function refuseWithoutEffect(settings: Settings, flags: ReadonlyMap<string, string>): void {
  for (const { setting, source, why, cure } of ineffective(settings)) {
    if (flags.has(setting.name) && !setting.harmless) {
      throw new UsageError(`Cannot use ${source}: it has no effect, since ${why}`, cure);
    }
  }
}

/**
 * Settings that have no effect here, as notes: in the config file and the environment, which serve many commands, they
 * are no error.
 */
export function withoutEffect(settings: Settings): readonly Trouble[] {
  return ineffective(settings).map(({ setting, source, why }) => ({
    what: `${namedSetting(setting, source)} has no effect here, since ${why}`,
  }));
}

function ineffective(settings: Settings): readonly Ineffective[] {
  return keysIn(REASONS).flatMap((need) => {
    const lack = REASONS[need](settings);
    if (!lack) return [];
    return SETTING_KEYS.flatMap((key) => {
      const setting = TABLE[key];
      const source = settings.sourceOf(key);
      // A setting that is switched off needs nothing.
      if (setting.needs !== need || source === undefined || settings[key] === false) return [];
      return [{ setting, source, ...lack }];
    });
  });
}

function hasRule({ ledger: { once, every } }: Settings): boolean {
  return once !== undefined || every !== undefined;
}
