import type { Shown } from "../backend.ts";
import { addressView, nameView, setOrNot, shownAddress, shownName, withOrWithoutPassword } from "../network/address.ts";
import { isPlain } from "../../text/redaction.ts";
import type { MySqlDsn } from "./server.ts";

/** What people and machines are shown of the server; without its password. */
export function shownMySql(kind: string, { addresses, user, password, database, tls, ...rest }: MySqlDsn): Shown {
  const parameters = {
    ...rest,
    connectionAttributes: withoutSecrets(rest.connectionAttributes),
    sessionVariables: withoutSecrets(rest.sessionVariables),
  };
  return {
    line: `MySQL at ${addresses.map(shownAddress).join(", ")}, user ${shownName(user)}, ${
      withOrWithoutPassword(password !== "")
    }`,
    view: {
      kind,
      ...addressView(addresses[0]!),
      user: nameView(user),
      password: setOrNot(password !== ""),
      database: nameView(database),
      tls,
      parameters,
      // All hosts; the first of them is the one above.
      ...addresses.length > 1 ? { hosts: addresses.map(addressView) } : {},
    },
  };
}

/** Shows only harmless values, since the others may be secrets. */
function withoutSecrets(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, isPlain(value) ? value : "set"]));
}
