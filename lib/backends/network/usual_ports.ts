import type { Trouble } from "../../errors.ts";
import type { Address } from "./address.ts";

/** The usual ports of kinds of servers, and how the setting for such a server is written. */
const USUAL: ReadonlyMap<number, { readonly kind: string; readonly cure: string }> = new Map([
  [3306, { kind: "MySQL", cure: "write user:password@tcp(host:3306)/database if it is MySQL" }],
  [5432, { kind: "PostgreSQL", cure: "write postgres://user:password@host:5432/database if it is PostgreSQL" }],
  [2379, { kind: "etcd", cure: "write etcd://host:2379 if it is etcd" }],
]);

/**
 * Adds a hint to trouble with a connection, where the port is the usual one of another kind of server: the setting may be
 * written for the wrong kind.
 *
 * @param kind The kind of server that the setting is for.
 */
export function withPortHint(trouble: Trouble, kind: string, address: Address): Trouble {
  const usual = address.transport === "tcp" ? USUAL.get(address.port) : undefined;
  if (usual === undefined || usual.kind === kind) return trouble;
  return { ...trouble, cure: [...trouble.cure === undefined ? [] : [trouble.cure], usual.cure].join(", or ") };
}
