import type { CommandWords } from "../args/command_words.ts";
import { DOCTOR } from "./help/doctor.ts";
import { HEIMDALL } from "./help/heimdall.ts";
import { HISTORY } from "./help/history.ts";
import { STATUS } from "./help/status.ts";

/** The words of all commands but the run, in the order in which the help shows them; `load.ts` has what they do. */
export const COMMANDS: readonly CommandWords[] = [STATUS, HISTORY, DOCTOR, HEIMDALL];
