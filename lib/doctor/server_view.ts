import type { MySqlDsn } from "../backends/mysql/dsn.ts";
import type { PostgresServer } from "../backends/postgres/address.ts";
import type { Server } from "../settings/server.ts";
import { isPlain, LONGEST_NAME, pathOr } from "../text/harmless.ts";

/** A host and its port, or the path of a socket. */
export type Address =
  | { readonly transport: "tcp"; readonly host: string; readonly port: number }
  | { readonly transport: "unix"; readonly path: string };

/** The server on one line, without its password. */
export function serverName(server: Server): string {
  switch (server.kind) {
    case "file":
      return `files in ${server.folder ?? "the default folder"}`;
    case "mysql":
      return `MySQL at ${whereIs(server.address)}, user ${shown(server.user)}, ${passwordOf(server.password !== "")}`;
    case "postgres": {
      const hosts = server.hosts.map(({ address }) => whereIs(address)).join(", ");
      return `PostgreSQL at ${hosts}, database ${shown(server.database)}, user ${shown(server.user)}, ${
        passwordOf(server.hosts.some(({ password }) => password !== undefined))
      }`;
    }
  }
}

/** The server as `--json` shows it. Of a password it tells only whether there is one. */
export function serverView(server: Server): Record<string, unknown> {
  switch (server.kind) {
    case "file":
      return { kind: server.kind, ...server.folder === undefined ? {} : { folder: server.folder } };
    case "mysql":
      return mySqlView(server);
    case "postgres":
      return postgresView(server);
  }
}

function mySqlView({ kind, address, user, password, database, tls, ...rest }: MySqlDsn): Record<string, unknown> {
  const parameters = {
    ...rest,
    connectionAttributes: namesOnly(rest.connectionAttributes),
    sessionVariables: namesOnly(rest.sessionVariables),
  };
  return {
    kind,
    ...addressView(address),
    user: nameView(user),
    password: asSet(password !== ""),
    database: nameView(database),
    tls,
    parameters,
  };
}

/** Values that may be anything, so that only the plain ones are shown. */
function namesOnly(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, isPlain(value) ? value : "set"]));
}

function postgresView(server: PostgresServer): Record<string, unknown> {
  const { kind, hosts, user, database, sslmode, noPassword: _, notes: __, ...rest } = server;
  // The settings of a session may hold an application's secrets.
  const { applicationName: name, options } = rest;
  const parameters = {
    ...rest,
    ...name === undefined || isPlain(name, LONGEST_NAME) ? {} : { applicationName: "set" },
    ...options === undefined ? {} : { options: "set" },
  };
  const views = hosts.map(({ address, certificateName, password }) => ({
    ...addressView(address),
    ...certificateName === undefined || address.transport === "tcp" && certificateName === address.host
      ? {}
      : { certificate_name: certificateName },
    password: asSet(password !== undefined),
  }));
  return {
    kind,
    ...addressView(hosts[0]!.address),
    user: nameView(user),
    password: views[0]!.password,
    database: nameView(database),
    tls: sslmode,
    parameters,
    // All that are tried; the first of them is the one above.
    ...views.length > 1 ? { hosts: views } : {},
  };
}

function whereIs(address: Address): string {
  if (address.transport === "unix") return `unix(${pathOr(address.path)})`;
  return `tcp(${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port})`;
}

function addressView(address: Address): Record<string, unknown> {
  return address.transport === "unix" ? { socket: pathOr(address.path) } : { host: address.host, port: address.port };
}

function asSet(there: boolean): string {
  return there ? "set" : "not set";
}

function passwordOf(there: boolean): string {
  return there ? "with a password" : "without a password";
}

function shown(name: string): string {
  return name === "" ? "(none)" : nameView(name);
}

/** A user or a database, unless it may be a piece of a password that was cut in the wrong place. */
function nameView(name: string): string {
  return isPlain(name, LONGEST_NAME) ? name : "(not shown)";
}
