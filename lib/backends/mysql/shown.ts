import type { Shown } from "../backend.ts";
import { addressView, nameView, setOrNot, shownAddress, shownName, withOrWithoutPassword } from "../network/address.ts";
import { isPlain } from "../../text/harmless.ts";
import type { MySqlDsn } from "./server.ts";

/** The server without its password. */
export function shownMySql(kind: string, { address, user, password, database, tls, ...rest }: MySqlDsn): Shown {
  const parameters = {
    ...rest,
    connectionAttributes: namesOnly(rest.connectionAttributes),
    sessionVariables: namesOnly(rest.sessionVariables),
  };
  return {
    line: `MySQL at ${shownAddress(address)}, user ${shownName(user)}, ${withOrWithoutPassword(password !== "")}`,
    view: {
      kind,
      ...addressView(address),
      user: nameView(user),
      password: setOrNot(password !== ""),
      database: nameView(database),
      tls,
      parameters,
    },
  };
}

/** Values that may be anything, so that only the plain ones are shown. */
function namesOnly(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, isPlain(value) ? value : "set"]));
}
