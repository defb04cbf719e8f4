import { withoutLineEnd } from "./server.ts";

/** Patterns for the parts of a server, as they look when there is no password in them. */
const USER = "(?:[\\w.$-]+@)?";
const HOST = "(?:(?:[\\w.-]|%2F)*|\\[[\\w:.%]+\\])(?::\\d{1,5})?";
const DATABASE = "[\\w.$-]*";
const PATH = "[\\w./-]*";
/** The name of a parameter whose value cannot be, or contain, a secret. */
const NAME =
  "(?!\\w*(?:pass(?!file)|pwd|secret|scram|token|credential|key\\b(?<!sslkey)|options|attributes))[a-z_]\\w*";
const QUERY = `(?:\\?(?:${NAME}=[^&@:%]*(?:&|$))*)?`;

/** Patterns for servers that certainly hold no password. Strings, since few runs need one, and compiling takes time. */
const WITHOUT_PASSWORD = {
  dsn: `^${USER}(?:tcp(?:\\(${HOST}\\))?|unix(?:\\(${PATH}\\))?)?/${DATABASE}${QUERY}$`,
  url: `^(?:postgres|postgresql|mysql|mariadb)://${USER}${HOST}(?:,${HOST})*(?:/${DATABASE})?${QUERY}$`,
  keywords: `^(?:\\s*${NAME}\\s*=(?:\\s*(?:'[\\w./, -]*'|[\\w./,-]+))?(?=\\s|$))+\\s*$`,
};

/** Whether a `server` setting may hold a password; true when in doubt. */
export function holdsPassword(text: string): boolean {
  const whole = withoutLineEnd(text);
  if (whole === "" || /^file:(?:\/|[A-Za-z]:[\\/]|$)/.test(whole)) return false;
  // A colon before the @ divides user and password.
  if (/:[^@]*@/.test(whole.replace(/^\w+:\/\//, ""))) return true;
  const { dsn, url, keywords } = WITHOUT_PASSWORD;
  const forms = whole.includes("://") ? [url] : whole.includes("=") ? [dsn, keywords] : [dsn];
  return !forms.some((form) => new RegExp(form, "i").test(whole));
}
