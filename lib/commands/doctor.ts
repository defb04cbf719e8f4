import { isFlagSet } from "../args/is_flag_set.ts";
import { getsOwnSession } from "../child/spawn.ts";
import type { Repeated } from "../settings/flag.ts";
import type { Settings } from "../settings/settings.ts";
import { checkConfig } from "./config_checks.ts";
import { FIX_AND_RETRY, Report, textOf } from "../doctor/report.ts";
import type { TerminalReport } from "../doctor/terminal_report.ts";
import { ledgerPlace } from "../settings/ledger_settings.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import { lockName, lockNameIn } from "../lock/lock_name.ts";
import { hasColours, terminalWidth } from "../system/terminal.ts";
import { printableJson } from "../text/printable.ts";
import { backendOptions } from "./backend_options.ts";
import { runnerOf } from "./runner.ts";
import type { Call } from "./command.ts";
import { refuseWords } from "./refuse_words.ts";

/** The label of its sessions, in place of a command's first word. */
const LABEL = "doctor";

/**
 * Checks the setup: uses the settings as a run would, without a command, and reports whether each part works. With
 * `--schema` prints the SQL of the table of leases instead.
 *
 * @returns 0 if a run could get its lock, even if there are warnings; else what a run would exit with.
 */
export async function doctor({ flags, operands: words, repeated, io }: Call): Promise<number> {
  refuseWords(words, "sera doctor [--json] [flags]");
  if (isFlagSet(flags, "schema")) {
    const { leaseSchema } = await import("./lease_schema.ts");
    io.out(await leaseSchema(flags, io.env));
    return ExitCode.ok;
  }
  return await examine(flags, isFlagSet(flags, "json"), io, repeated);
}

async function examine(
  flags: ReadonlyMap<string, string>,
  json: boolean,
  io: Io,
  repeated: Repeated,
): Promise<number> {
  const person = json ? undefined : await atTerminal(io);
  const report = new Report((check, local) => person ? person.tell(check, local) : json || io.out(textOf(check)));
  const settings = await checkConfig(report, flags, io.env, repeated);
  const syslog = settings?.logging.syslog;
  if (syslog) {
    const { checkSyslog } = await import("../doctor/syslog.ts");
    await report.check("syslog", () => checkSyslog(syslog));
  }
  if (settings) await checkShell(report, settings);
  if (settings) await checkServer(report, settings, io);
  if (settings?.ledger.on) await checkLedgerToo(report, settings, io);
  const { checks, exitCode } = report;
  person?.end(report);
  if (json) {
    const server = settings ? (await settings.server.shown()).view : null;
    io.out(`${printableJson({ ok: exitCode === ExitCode.ok, exit_code: exitCode, server, checks })}\n`);
  }
  return exitCode;
}

/** How the report is shown at a terminal; undefined if stdout is none. */
async function atTerminal(io: Io): Promise<TerminalReport | undefined> {
  const width = terminalWidth();
  if (width === undefined) return undefined;
  const { TerminalReport } = await import("../doctor/terminal_report.ts");
  return new TerminalReport({ width, hasColours: hasColours(io.env) }, io.out);
}

/** Reported only if it fails: most users do not know that there is a helper shell. */
async function checkShell(report: Report, { server, onLost }: Settings): Promise<void> {
  const { shellTrouble } = await import("../doctor/shell.ts");
  const timed = server.offers.expires && onLost === "terminate";
  const trouble = await shellTrouble({ timed, inGroup: !getsOwnSession() });
  if (trouble) await report.check("shell", () => Promise.reject(trouble), FIX_AND_RETRY);
}

/** Only if a run would get as far as the ledger. */
async function checkLedgerToo(report: Report, settings: Settings, io: Io): Promise<void> {
  if (report.exitCode === ExitCode.ok) {
    const { server, ledger, label = LABEL } = settings;
    const testRun = { lock: lockName(randomKey()), rule: ledger, runner: runnerOf(label) };
    const options = backendOptions(settings, LABEL, io);
    const place = ledgerPlace(server, ledger.table);
    await report.check("ledger", () => place.check(ledger.table, testRun, options), FIX_AND_RETRY);
  }
  report.skipRest(["ledger"]);
}

async function checkServer(report: Report, settings: Settings, io: Io): Promise<void> {
  const name = lockNameIn(settings.namespace, randomKey());
  await settings.server.check(report, name, backendOptions(settings, LABEL, io));
}

/** The key of a lock that nobody else uses. */
function randomKey(): string {
  return `sera doctor ${crypto.randomUUID()}`;
}
