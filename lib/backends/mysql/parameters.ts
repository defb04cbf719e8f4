import { cut, DsnError, type Show } from "../network/address_text.ts";
import {
  checkName,
  type Parameter,
  problemWith,
  queryDecode,
  readAttributes,
  readBoolean,
  readDuration,
  readInteger,
  readTimeout,
  readTimeZone,
  readTlsName,
} from "./parameter_values.ts";
import type { MySqlDsn } from "./server.ts";

const DEFAULT_MAX_ALLOWED_PACKET = 64 << 20;

/** The parts of a DSN that its parameters give. */
export type Parameters = Omit<MySqlDsn, "user" | "password" | "addresses" | "database">;

/**
 * The parameters as they are read. A repeated one overrides, so `tls` and `serverPubKey` are judged only at the end.
 */
interface Draft extends Mutable<Omit<Parameters, "tls" | "sessionVariables">> {
  tlsName: string;
  serverPubKey: string;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Reads `key=value&…`.
 *
 * @throws {DsnError} For an invalid value.
 */
export function parseParameters(query: string, show: Show): Parameters {
  const draft: Draft = {
    allowFallbackToPlaintext: false,
    allowCleartextPasswords: false,
    allowNativePasswords: true,
    allowOldPasswords: false,
    charsets: [],
    connectionAttributes: {},
    compress: false,
    maxAllowedPacket: DEFAULT_MAX_ALLOWED_PACKET,
    rejectReadOnly: false,
    tlsName: "",
    serverPubKey: "",
  };
  const sessionVariables = new Map<string, string>();
  for (const item of query.split("&")) {
    const [key, raw] = cut(item, "=");
    if (raw === undefined) continue;
    const read = READERS.get(key);
    if (read) read(draft, { name: key, raw, show });
    else addSessionVariable(sessionVariables, key, { name: show(key, "(a session variable)"), raw, show });
  }
  return finish(draft, sessionVariables, show);
}

function finish(draft: Draft, sessionVariables: Map<string, string>, show: Show): Parameters {
  const { tlsName, serverPubKey, ...rest } = draft;
  if (serverPubKey !== "") {
    throw problemWith("serverPubKey", "sera has no registered keys", "leave it out and use tls=true instead");
  }
  return {
    ...rest,
    tls: tlsMode(tlsName, show),
    allowFallbackToPlaintext: draft.allowFallbackToPlaintext || tlsName === "preferred",
    // Not by assignment, which would lose a variable named __proto__.
    sessionVariables: Object.fromEntries(sessionVariables),
  };
}

function tlsMode(name: string, show: Show): MySqlDsn["tls"] {
  if (name === "" || name === "false") return "off";
  if (name === "true") return "verify";
  if (name === "skip-verify" || name === "preferred") return "skip-verify";
  throw problemWith(
    "tls",
    `no such TLS config as ${show(name, "its value")}`,
    "write true, false, skip-verify or preferred, and name a custom CA with the tls-ca setting",
  );
}

type Reader = (draft: Draft, parameter: Parameter) => void;

type Flag = { [K in keyof Draft]-?: Draft[K] extends boolean ? K : never }[keyof Draft];
const flag = (field: Flag): [string, Reader] => [field, (draft, parameter) => draft[field] = readBoolean(parameter)];

type Timeout = "connectTimeout" | "readTimeout" | "writeTimeout";
const timeout = (key: string, field: Timeout): [string, Reader] => [key, (draft, parameter) => {
  const ms = readTimeout(parameter);
  if (ms === 0) delete draft[field];
  else draft[field] = ms;
}];

/** A parameter that has no effect on a lock; an invalid value is reported all the same. */
const checked = (key: string, check: (parameter: Parameter) => unknown): [string, Reader] => [
  key,
  (_draft, parameter) => void check(parameter),
];

const READERS: ReadonlyMap<string, Reader> = new Map([
  flag("allowFallbackToPlaintext"),
  flag("allowCleartextPasswords"),
  flag("allowNativePasswords"),
  flag("allowOldPasswords"),
  flag("compress"),
  flag("rejectReadOnly"),
  timeout("timeout", "connectTimeout"),
  timeout("readTimeout", "readTimeout"),
  timeout("writeTimeout", "writeTimeout"),
  ["tls", (draft, parameter) => draft.tlsName = readTlsName(parameter)],
  ["serverPubKey", (draft, parameter) => draft.serverPubKey = queryDecode(parameter)],
  ["charset", (draft, parameter) => {
    draft.charsets = parameter.raw.split(",").filter((name) => name !== "").map((name) => checkName(parameter, name));
  }],
  ["collation", (draft, parameter) => {
    if (parameter.raw === "") delete draft.collation;
    else draft.collation = checkName(parameter, parameter.raw);
  }],
  ["connectionAttributes", (draft, parameter) => draft.connectionAttributes = readAttributes(parameter)],
  ["maxAllowedPacket", (draft, parameter) => {
    const bytes = readInteger(parameter);
    if (bytes > 0) draft.maxAllowedPacket = bytes;
    else delete draft.maxAllowedPacket;
  }],
  checked("allowAllFiles", readBoolean),
  checked("checkConnLiveness", readBoolean),
  checked("clientFoundRows", readBoolean),
  checked("columnsWithAlias", readBoolean),
  checked("interpolateParams", readBoolean),
  checked("loc", readTimeZone),
  checked("multiStatements", readBoolean),
  checked("parseTime", readBoolean),
  checked("timeTruncate", readDuration),
  // New in the Go driver; without this line it would be set as a session variable.
  checked("tinyInt1IsBool", readBoolean),
  ["strict", () => {
    throw problemWith("strict", "the Go driver has removed it", "leave it out and set sql_mode if needed");
  }],
]);

/** What TLS is called elsewhere; no session variable has such a name. */
const TLS_OF_OTHERS = /^(?:(?:use|require)?ssl|(?:ssl|tls)[-_]?(?:mode|ca|cert|key|verify))$/i;

function addSessionVariable(variables: Map<string, string>, key: string, parameter: Parameter): void {
  const { show } = parameter;
  if (/^(user|username|password|passwd|pass|pwd)$/i.test(key)) {
    throw new DsnError(`Cannot use parameter ${key} of the MySQL DSN: user and password belong before the @`);
  }
  if (TLS_OF_OTHERS.test(key)) {
    throw problemWith(
      key,
      "it belongs to another program",
      "for TLS write tls=true, and set tls-ca if its CA is your own",
    );
  }
  if (!/^[A-Za-z_@][A-Za-z0-9_.@$]*$/.test(key)) {
    throw new DsnError(
      `Cannot set a session variable from the MySQL DSN: ${
        show(key, "a key")
      } is neither a parameter nor the name of a variable`,
    );
  }
  const value = queryDecode(parameter);
  // Deleted first, so that a repeated variable is also set last.
  variables.delete(key);
  variables.set(key, value);
}
