import { COMPLETION } from "../args/completion_help.ts";
import { DOCTOR } from "../args/doctor_help.ts";
import { FORGET } from "../args/forget_help.ts";
import { HEIMDALL } from "../args/heimdall_help.ts";
import { HISTORY } from "../args/history_help.ts";
import { HOLD } from "../args/hold_help.ts";
import { METRICS } from "../args/metrics_help.ts";
import { STATUS } from "../args/status_help.ts";
import { UNLOCK } from "../args/unlock_help.ts";
import type { Subcommand } from "../args/subcommand.ts";

/** The subcommands, in the order of the help; `load.ts` loads their work. */
export const COMMANDS: readonly Subcommand[] = [
  STATUS,
  HISTORY,
  UNLOCK,
  HOLD,
  FORGET,
  DOCTOR,
  METRICS,
  COMPLETION,
  HEIMDALL,
];
