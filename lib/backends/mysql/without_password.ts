import { DATABASE, HOSTS, QUERY, urlWithoutPassword, USER } from "../network/without_password.ts";

const PATH = "[\\w./-]*";
const DSN = `^${USER}(?:tcp(?:\\(${HOSTS}\\))?|unix(?:\\(${PATH}\\))?)?/${DATABASE}${QUERY}$`;

/** Matches a DSN or a URL that certainly contains no password. */
export const WITHOUT_PASSWORD = `${DSN}|${urlWithoutPassword("mysql|mariadb")}`;
