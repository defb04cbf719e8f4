/** What several commands take. */

import type { Flag } from "../../settings/flag.ts";
import { SETTING_FLAGS } from "../../settings/setting_words.ts";

/** The settings that say where a lock and its ledger are, and what it is called. */
export const OF_PLACE = SETTING_FLAGS.filter(({ ofRun }) => !ofRun);

export const LOCK_FLAG: Flag = {
  name: "lock",
  kind: "text",
  placeholder: "PREFIX",
  help: ["only locks whose LOCK, as sera status shows it, begins", "with PREFIX"],
};

export const JSON_FLAG: Flag = { name: "json", kind: "boolean", help: ["print one JSON object instead"] };
