import { withoutLineEnd } from "./server.ts";

/** Parts of a server without a password, each in its plainest form. */
const USER = "(?:[\\w.$-]+@)?";
const HOST = "(?:(?:[\\w.-]|%2F)*|\\[[\\w:.%]+\\])(?::\\d{1,5})?";
const DATABASE = "[\\w.$-]*";
const PATH = "[\\w./-]*";
/** The name of a parameter whose value is no secret, nor may have one in it. */
const NAME =
  "(?!\\w*(?:pass(?!file)|pwd|secret|scram|token|credential|key\\b(?<!sslkey)|options|attributes))[a-z_]\\w*";
const QUERY = `(?:\\?(?:${NAME}=[^&@:%]*(?:&|$))*)?`;

/** The servers that are known to hold no password, as patterns that are made when one is needed. */
const WITHOUT_PASSWORD = {
  dsn: `^${USER}(?:tcp(?:\\(${HOST}\\))?|unix(?:\\(${PATH}\\))?)?/${DATABASE}${QUERY}$`,
  url: `^(?:postgres|postgresql|mysql|mariadb)://${USER}${HOST}(?:,${HOST})*(?:/${DATABASE})?${QUERY}$`,
  keywords: `^(?:\\s*${NAME}\\s*=(?:\\s*(?:'[\\w./, -]*'|[\\w./,-]+))?(?=\\s|$))+\\s*$`,
};

/** Whether a `server` setting may have a password in it; in doubt it has. */
export function holdsPassword(text: string): boolean {
  const whole = withoutLineEnd(text);
  if (whole === "" || /^file:(?:\/|[A-Za-z]:[\\/]|$)/.test(whole)) return false;
  // What is a user alone, before the @, has no colon.
  if (/:[^@]*@/.test(whole.replace(/^\w+:\/\//, ""))) return true;
  const { dsn, url, keywords } = WITHOUT_PASSWORD;
  const forms = whole.includes("://") ? [url] : whole.includes("=") ? [dsn, keywords] : [dsn];
  return !forms.some((form) => new RegExp(form, "i").test(whole));
}
