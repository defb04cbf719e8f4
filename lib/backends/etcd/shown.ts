import type { Shown } from "../backend.ts";
import { nameView, setOrNot, withOrWithoutPassword } from "../network/address.ts";
import { pathOr } from "../../text/redaction.ts";
import { type EtcdAddress, shownEndpoint } from "./address.ts";

/** What people and machines are shown of the cluster; without its password. */
export function shownEtcd(kind: string, address: EtcdAddress): Shown {
  const { endpoints, tls, user, password, prefix, cert, key, ca } = address;
  const [{ host, port }] = endpoints as readonly [typeof endpoints[number]];
  const who = user === undefined
    ? "no user"
    : `user ${nameView(user)}, ${withOrWithoutPassword(password !== undefined)}`;
  return {
    line: `etcd at ${endpoints.map(shownEndpoint).join(", ")}, prefix ${pathOr(prefix)}, ${who}`,
    view: {
      kind,
      host,
      port,
      user: user === undefined ? null : nameView(user),
      password: setOrNot(password !== undefined),
      prefix: pathOr(prefix),
      tls: tls ? "verify" : "off",
      parameters: Object.fromEntries(
        Object.entries({ cert, key, ca }).flatMap(([name, path]) => path === undefined ? [] : [[name, pathOr(path)]]),
      ),
      // All endpoints; the first of them is the one above.
      ...endpoints.length > 1 ? { hosts: endpoints } : {},
    },
  };
}
