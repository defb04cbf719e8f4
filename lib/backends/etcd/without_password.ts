import { HOSTS, USER } from "../network/without_password.ts";

const PREFIX = "(?:/[\\w./-]*)?";
/** Paths of files, which are not secrets. */
const FILES = "(?:\\?(?:(?:cert|key)=[^&@:%]*(?:&|$))*)?";

/** Matches a URL that certainly contains no password. */
export const WITHOUT_PASSWORD = `^etcds?://${USER}${HOSTS}${PREFIX}${FILES}$`;
