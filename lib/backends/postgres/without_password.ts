import { NAME, urlWithoutPassword } from "../network/without_password.ts";

const KEYWORDS = `^(?:\\s*${NAME}\\s*=(?:\\s*(?:'[\\w./, -]*'|[\\w./,-]+))?(?=\\s|$))+\\s*$`;

/** Matches a URL or libpq keywords that certainly contain no password. */
export const WITHOUT_PASSWORD = `${urlWithoutPassword("postgres|postgresql")}|${KEYWORDS}`;
