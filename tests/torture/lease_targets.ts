/** Where leases are tortured. */

import { SESSION_TARGETS } from "../cli/held_session.ts";
import { linux } from "../cli/needs.ts";
import { etcdUnavailable } from "../servers/etcd.ts";
import { galeraUnavailable } from "../servers/galera.ts";
import { startTorturedEtcd } from "./etcd.ts";
import { startTorturedGalera } from "./galera.ts";

/** Servers whose locks are leases. */
export const LEASE_TARGETS = [
  ...SESSION_TARGETS,
  { name: "Galera", need: galeraUnavailable, start: startTorturedGalera },
  { name: "etcd", need: linux ?? etcdUnavailable, start: startTorturedEtcd },
];

/** The settings that make the lock on a server a lease. In etcd it always is one. */
export function leaseAt(server: string): Record<string, string> {
  if (server.startsWith("etcd:")) return {};
  // In the one database that the user may make a table in.
  const table = server.startsWith("postgres") ? "sera_leases" : "sera.sera_leases";
  return { SERA_LEASE: "true", SERA_LEASE_TABLE: table };
}
