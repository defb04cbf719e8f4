import { DOCTOR } from "../args/doctor_help.ts";
import { HEIMDALL } from "../args/heimdall_help.ts";
import { HISTORY } from "../args/history_help.ts";
import { STATUS } from "../args/status_help.ts";
import type { Subcommand } from "../args/subcommand.ts";

/** All commands but the run, in the order in which the help shows them; `load.ts` has what they do. */
export const COMMANDS: readonly Subcommand[] = [STATUS, HISTORY, DOCTOR, HEIMDALL];
