import type { Shown } from "../backend.ts";
import { addressView, nameView, setOrNot, shownAddress, shownName, withOrWithoutPassword } from "../network/address.ts";
import { isPlain, MAX_NAME_LENGTH } from "../../text/redaction.ts";
import type { PostgresServer } from "./server.ts";

/** How the server is shown to people and machines, without its password. */
export function shownPostgres(kind: string, server: PostgresServer): Shown {
  const { hosts, user, database, sslmode, noPassword: _, notes: __, ...rest } = server;
  // The settings of a session may hold an application's secrets.
  const { applicationName: name, options } = rest;
  const parameters = {
    ...rest,
    ...name === undefined || isPlain(name, MAX_NAME_LENGTH) ? {} : { applicationName: "set" },
    ...options === undefined ? {} : { options: "set" },
  };
  const views = hosts.map(({ address, certificateName, password }) => ({
    ...addressView(address),
    ...certificateName === undefined || address.transport === "tcp" && certificateName === address.host
      ? {}
      : { certificate_name: certificateName },
    password: setOrNot(password !== undefined),
  }));
  const where = hosts.map(({ address }) => shownAddress(address)).join(", ");
  const withPassword = withOrWithoutPassword(hosts.some(({ password }) => password !== undefined));
  return {
    line: `PostgreSQL at ${where}, database ${shownName(database)}, user ${shownName(user)}, ${withPassword}`,
    view: {
      kind,
      ...addressView(hosts[0]!.address),
      user: nameView(user),
      password: views[0]!.password,
      database: nameView(database),
      tls: sslmode,
      parameters,
      // All hosts; the first of them is the one above.
      ...views.length > 1 ? { hosts: views } : {},
    },
  };
}
