import { type Trouble, UsageError } from "../errors.ts";
import type { Settings } from "./settings.ts";

/** A setting that changes nothing about this run. */
interface Idle {
  readonly name: string;
  readonly why: string;
  readonly cure: string;
  /** Whether it is no error as a flag either. */
  readonly harmless?: boolean;
}

/**
 * Refuses flags that change nothing: whoever wrote one expects something that will not happen.
 *
 * @throws {UsageError}
 */
export function refuseWithoutEffect(settings: Settings): void {
  for (const { name, why, cure, harmless } of idle(settings)) {
    const source = settings.sourceOf(name)!;
    if (source === `--${name}` && !harmless) {
      throw new UsageError(`Cannot use ${source}: it has no effect, since ${why}`, cure);
    }
  }
}

/** The settings in the config file and the environment, which serve many commands, that change nothing here. */
export function withoutEffect(settings: Settings): readonly Trouble[] {
  return idle(settings).map(({ name, why }) => ({
    what: `${name} in ${settings.sourceOf(name)} has no effect here, since ${why}`,
  }));
}

function idle(settings: Settings): readonly Idle[] {
  const { ledger, server, tlsCa, waitAndSkip, detailedExitCodes, allowUnsafeServer } = settings;
  const ruled = ledger.once !== undefined || ledger.every !== undefined;
  const all: Idle[] = [];
  if (ledger.countFailures && !ruled) {
    const why = "neither once nor every is set";
    all.push({ name: "count-failures", why, cure: "add --once KEY or --every DURATION, or leave it out" });
  }
  if (!ledger.on) {
    for (const name of ["ledger-table", "keep-history", ...ledger.recordSkips ? ["record-skips"] : []]) {
      if (settings.sourceOf(name) === undefined) continue;
      const cure = settings.sourceOf("ledger") === "--ledger"
        ? "leave it out, or take --ledger=false out"
        : "add --ledger, or leave it out";
      all.push({ name, why: "the ledger is off", cure });
    }
  }
  if (tlsCa !== undefined && server.offers.tls === "none") {
    const why = "the server is reached without a network, and so without TLS";
    all.push({ name: "tls-ca", why, cure: "leave it out" });
  }
  // The Go program took it, and existing scripts may have it everywhere.
  if (detailedExitCodes && !waitAndSkip && !ruled) {
    const why = "nothing is skipped without wait-and-skip, once or every";
    all.push({ name: "detailed-exit-codes", why, cure: "leave it out", harmless: true });
  }
  // A permission that is not needed contradicts nothing.
  if (allowUnsafeServer && !server.offers.mayBeUnsafe) {
    const why = `${server.title} cannot be unsafe`;
    all.push({ name: "allow-unsafe-server", why, cure: "leave it out", harmless: true });
  }
  return all;
}
