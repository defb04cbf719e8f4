/**
 * The data source name of the Go MySQL driver, which is how a sera config names its server:
 * `[user[:password]@][net[(address)]]/database[?key=value&…]`.
 *
 * What the Go driver accepts means the same here, with exceptions that are each noted where they stand.
 *
 * @see https://github.com/go-sql-driver/mysql#dsn-data-source-name
 * @module
 */

import { parseDuration } from "../duration.ts";

/** Where the server listens: a host (an IPv6 address without its brackets) and port, or the path of a Unix socket. */
export type MySqlAddress =
  | { readonly transport: "tcp"; readonly host: string; readonly port: number }
  | { readonly transport: "unix"; readonly path: string };

/** What a MySQL DSN says. Timeouts are milliseconds, and absent where there is none. */
export interface MySqlDsn {
  readonly kind: "mysql";
  readonly user: string;
  /** In clear: keep it out of every message. */
  readonly password: string;
  readonly address: MySqlAddress;
  /** Empty: no database is chosen. */
  readonly database: string;
  /** How long connecting may take: the DSN's `timeout`. */
  readonly connectTimeout?: number;
  /** How long one read may take. */
  readonly readTimeout?: number;
  /** How long one write may take. */
  readonly writeTimeout?: number;
  /** `verify` checks the certificate against the address's host; `skip-verify` encrypts and trusts any server. */
  readonly tls: "off" | "verify" | "skip-verify";
  /** Go on in plain text if the server has no TLS. True with `tls=preferred`. */
  readonly allowFallbackToPlaintext: boolean;
  /** Permit `mysql_clear_password`. */
  readonly allowCleartextPasswords: boolean;
  /** Permit `mysql_native_password`. */
  readonly allowNativePasswords: boolean;
  /** Permit the password hash of before MySQL 4.1. */
  readonly allowOldPasswords: boolean;
  /** Character sets to try in this order with `SET NAMES`; the first that the server knows wins. */
  readonly charsets: readonly string[];
  readonly collation?: string;
  readonly connectionAttributes: Readonly<Record<string, string>>;
  /** Ask for a compressed protocol. */
  readonly compress: boolean;
  /** Bytes. Absent (0 in the DSN): the server's own limit. */
  readonly maxAllowedPacket?: number;
  /** Treat the server errors 1290, 1792 and 1836 (read-only) as a broken connection. */
  readonly rejectReadOnly: boolean;
  /** For `SET key=value`, in this order. Values are SQL expressions, so a string brings its own quotes. */
  readonly sessionVariables: Readonly<Record<string, string>>;
}

/** A DSN that cannot be used. Its message fits on one line and never holds any part of what could be a password. */
export class DsnError extends Error {
  override readonly name = "DsnError";
}

const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 3306;
const DEFAULT_SOCKET = "/tmp/mysql.sock";
const DEFAULT_MAX_ALLOWED_PACKET = 64 << 20;

const URL_FORM = /^(?:mysql|mariadb):\/\/(.*)$/is;
/**
 * A network and address that the Go driver knows before the last slash. A DSN like that is Go's even if it starts like a
 * URL: the user `mysql` may have a password that starts with two slashes.
 */
const GO_FORM = /@(?:tcp|unix)?(?:\([^@]*\))?\/[^/]*$/s;

/**
 * Reads a MySQL server string: a Go DSN, or, where the Go driver would see no sense, the URL form
 * `mysql://user:password@host:port/database?key=value` (also `mariadb://`), whose user and password are percent-decoded.
 *
 * @example
 * ```ts
 * parseMySqlDsn("sera:secret@tcp(db.example.org:3306)/?timeout=500ms").connectTimeout; // 500
 * ```
 *
 * @throws {DsnError} If the text is no DSN, or a part of it has a value that makes no sense.
 */
export function parseMySqlDsn(dsn: string): MySqlDsn {
  const url = URL_FORM.exec(dsn);
  return url && !GO_FORM.test(dsn) ? parseUrlForm(url[1]!) : parseGoForm(dsn);
}

/**
 * Shows a value in a message, or says `substitute` where the value might be a piece of the password: a separator that
 * was forgotten, or left unescaped in a password, moves the password to where something else belongs.
 */
type Show = (value: string, substitute: string) => string;

const showNothing: Show = (_value, substitute) => substitute;
const showQuoted: Show = (value) => {
  const quoted = JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
  // JSON leaves these line ends and controls as they are.
  return quoted.replace(/[\u007f-\u009f\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
};

// --- The Go form ---

function parseGoForm(dsn: string): MySqlDsn {
  const slash = dsn.lastIndexOf("/");
  if (slash < 0 && dsn !== "") {
    throw new DsnError(
      "Cannot read the MySQL DSN: the slash before the database is missing, write user:password@tcp(host:port)/database",
    );
  }
  const left = dsn.slice(0, Math.max(slash, 0));
  const right = dsn.slice(slash + 1);
  const at = left.lastIndexOf("@");
  const [user, password] = cut(left.slice(0, Math.max(at, 0)), ":");
  // An @ right of the slash may end a password that holds a slash; a colon without an @ may start a password.
  const show = right.includes("@") || (at < 0 && left.includes(":")) ? showNothing : showQuoted;
  const address = parseNetwork(left.slice(at + 1), show);
  return { kind: "mysql", user, password: password ?? "", address, ...parseDatabaseAndParameters(right, show) };
}

/** Splits at the first separator; the second part is undefined if there is none. */
function cut(text: string, separator: string): [string, string | undefined] {
  const index = text.indexOf(separator);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + separator.length)];
}

/** Reads `net[(address)]`, all of which may be empty. */
function parseNetwork(text: string, show: Show): MySqlAddress {
  const [network, bracketed] = cut(text, "(");
  if (bracketed !== undefined && !bracketed.endsWith(")")) {
    throw new DsnError(
      bracketed.includes(")")
        ? "Cannot read the MySQL DSN: its last slash does not follow the address, write a slash in the database or in a parameter as %2F"
        : "Cannot read the MySQL DSN: the address is not terminated, write tcp(host:port)/database or unix(/path)/database",
    );
  }
  const address = bracketed?.slice(0, -1) ?? "";
  if (network === "" || network === "tcp") return parseHostAndPort(address, show);
  if (network === "unix") return { transport: "unix", path: address || DEFAULT_SOCKET };
  throw unknownNetwork(network);
}

/** Networks of Go's `net.Dial` that someone may have written on purpose. */
const GO_NETWORKS = ["tcp4", "tcp6", "udp", "udp4", "udp6", "unixgram", "unixpacket"];

/** Shows only names from a closed list: in `user:pa@ss/db` the end of the password stands where the network should. */
function unknownNetwork(network: string): DsnError {
  if (GO_NETWORKS.includes(network)) {
    return new DsnError(
      `Cannot use network ${network} of the MySQL DSN: only tcp and unix are known, write tcp(host:port) or unix(/path)`,
    );
  }
  return new DsnError(
    "Cannot read the MySQL DSN: no known network stands before the last slash, " +
      "write user:password@tcp(host:port)/database, and a slash in the database or in a parameter as %2F",
  );
}

/**
 * Reads `host`, `host:port`, `:port`, `[ipv6]` or `[ipv6]:port`.
 *
 * Stricter than Go in two ways. Go reads a bare `::1:3307` as an address with the default port, which is hardly ever what
 * was meant, so brackets are asked for; and a port is a number, since the names of services differ between machines.
 */
function parseHostAndPort(text: string, show: Show): MySqlAddress {
  const bad = (problem: string) =>
    new DsnError(`Cannot use the address of the MySQL DSN: ${show(text, "it")} ${problem}`);
  const bracketed = /^\[([^[\]]*)\](?::(.*))?$/s.exec(text);
  if (!bracketed && text.split(":").length > 2) {
    throw bad("has more than one colon, write an IPv6 address in brackets as in tcp([::1]:3306)");
  }
  const [host, port] = bracketed ? [bracketed[1]!, bracketed[2]] : cut(text, ":");
  // A percent sign belongs to an IPv6 zone only; elsewhere it is most likely an escaped path to a socket.
  if (/[\s()[\]/\\@?#]/.test(host) || (!bracketed && host.includes("%"))) {
    throw bad("is no host and port, write tcp(host:port), or unix(/path) for a socket");
  }
  if (port !== undefined && !isPort(port)) throw bad("has a wrong port, write a number from 1 to 65535");
  return { transport: "tcp", host: host || DEFAULT_HOST, port: port === undefined ? DEFAULT_PORT : Number(port) };
}

function isPort(text: string): boolean {
  return /^[0-9]+$/.test(text) && Number(text) >= 1 && Number(text) <= 65535;
}

// --- The URL form ---

/** Reads what follows `mysql://`. No message shows the authority, since any piece of it may belong to the password. */
function parseUrlForm(text: string): MySqlDsn {
  const [, authority = "", path = ""] = /^([^/?#]*)(.*)$/s.exec(text) ?? [];
  const at = authority.lastIndexOf("@");
  if (path.includes("#") || (at < 0 && path.includes("@"))) {
    throw new DsnError(
      "Cannot read the MySQL URL: it has a # or a misplaced @, write / ? # @ in a user, password or value as %2F %3F %23 %40",
    );
  }
  const show = path.includes("@") ? showNothing : showQuoted;
  const right = path.startsWith("/") ? path.slice(1) : path;
  if (cut(right, "?")[0].includes("/")) {
    throw new DsnError("Cannot read the MySQL URL: the database holds a slash, write it as %2F");
  }
  const [user, password] = cut(authority.slice(0, Math.max(at, 0)), ":").map(decodeCredential);
  const address = parseHostAndPort(authority.slice(at + 1), showNothing);
  return {
    kind: "mysql",
    user: user ?? "",
    password: password ?? "",
    address,
    ...parseDatabaseAndParameters(right, show),
  };
}

function decodeCredential(text: string | undefined): string {
  const decoded = percentDecode(text ?? "");
  if (decoded !== undefined) return decoded;
  throw new DsnError("Cannot decode the user or password of the MySQL URL: a percent escape is wrong, write % as %25");
}

// --- Right of the slash: the same in both forms ---

type Parameters = Omit<MySqlDsn, "kind" | "user" | "password" | "address" | "database">;

function parseDatabaseAndParameters(text: string, show: Show): Parameters & Pick<MySqlDsn, "database"> {
  const [encoded, query] = cut(text, "?");
  const database = percentDecode(encoded);
  if (database === undefined) {
    throw new DsnError(
      `Cannot decode the database of the MySQL DSN: ${show(encoded, "it")} has a wrong percent escape, write % as %25`,
    );
  }
  return { database, ...parseParameters(query ?? "", show) };
}

/** As Go's `url.PathUnescape`: a plus stays. Undefined if an escape is broken, or is no UTF-8 (which Go would let pass). */
function percentDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** The parameters while they are read: the last of two wins, so what only the last one decides is kept as a name. */
interface Draft extends Mutable<Omit<Parameters, "tls" | "sessionVariables">> {
  tlsName: string;
  serverPubKey: string;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** One parameter being read. */
interface Parameter {
  readonly key: string;
  /** Not decoded: the Go driver decodes only some. */
  readonly raw: string;
  readonly show: Show;
}

function parseParameters(query: string, show: Show): Parameters {
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
    const parameter = { key, raw, show };
    const read = READERS.get(key);
    if (read) read(draft, parameter);
    else addSessionVariable(sessionVariables, parameter);
  }
  return finish(draft, sessionVariables, show);
}

function finish(draft: Draft, sessionVariables: Map<string, string>, show: Show): Parameters {
  const { tlsName, serverPubKey, ...rest } = draft;
  if (serverPubKey !== "") {
    throw problemWith("serverPubKey", "no key can be registered with sera, leave it out and use tls=true instead");
  }
  return {
    ...rest,
    tls: tlsMode(tlsName, show),
    allowFallbackToPlaintext: draft.allowFallbackToPlaintext || tlsName === "preferred",
    // From entries, since assigning to a key named __proto__ would lose it.
    sessionVariables: Object.fromEntries(sessionVariables),
  };
}

function tlsMode(name: string, show: Show): MySqlDsn["tls"] {
  if (name === "" || name === "false") return "off";
  if (name === "true") return "verify";
  if (name === "skip-verify" || name === "preferred") return "skip-verify";
  throw problemWith(
    "tls",
    `no such TLS config as ${show(name, "its value")}, write true, false, skip-verify or preferred, ` +
      "and name a custom CA with the tls-ca setting",
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

/** Means nothing to a lock, yet a wrong value is a mistake that someone would like to hear of. */
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
  ["charset", (draft, { raw }) => draft.charsets = raw.split(",").filter((name) => name !== "")],
  ["collation", (draft, { raw }) => {
    if (raw === "") delete draft.collation;
    else draft.collation = raw;
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
  // New in the Go driver, and no system variable of any server.
  checked("tinyInt1IsBool", readBoolean),
  ["strict", () => {
    throw problemWith("strict", "the Go driver has removed it, leave it out and set sql_mode if need be");
  }],
]);

function problemWith(key: string, problem: string): DsnError {
  return new DsnError(`Cannot use parameter ${key} of the MySQL DSN: ${problem}`);
}

function badValue({ key, raw, show }: Parameter, problem: string): DsnError {
  return problemWith(key, `${show(raw, "its value")} ${problem}`);
}

function parseBoolean(text: string): boolean | undefined {
  if (["1", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "false", "FALSE", "False"].includes(text)) return false;
  return undefined;
}

function readBoolean(parameter: Parameter): boolean {
  const value = parseBoolean(parameter.raw);
  if (value !== undefined) return value;
  throw badValue(parameter, "is no boolean, write true or false");
}

function readDuration(parameter: Parameter): number {
  const ms = parseDuration(parameter.raw);
  if (ms !== undefined) return ms;
  throw badValue(parameter, "is no duration, write a number with its unit such as 500ms or 30s");
}

/** Go takes a negative timeout too, and then every connection times out before it has begun; no lock wants that. */
function readTimeout(parameter: Parameter): number {
  const ms = readDuration(parameter);
  if (ms >= 0) return ms;
  throw badValue(parameter, "is negative, write a duration such as 30s, or 0 for no limit");
}

function readInteger(parameter: Parameter): number {
  const value = Number(parameter.raw);
  if (/^[+-]?[0-9]+$/.test(parameter.raw) && Number.isSafeInteger(value)) return value;
  throw badValue(parameter, "is no whole number, write bytes such as 67108864, or 0 for the server's own limit");
}

/** Booleans in their eight spellings, `skip-verify` and `preferred` in any case, else a name as it stands. */
function readTlsName(parameter: Parameter): string {
  const value = parseBoolean(parameter.raw);
  if (value !== undefined) return String(value);
  const lower = parameter.raw.toLowerCase();
  return lower === "skip-verify" || lower === "preferred" ? lower : queryDecode(parameter);
}

/** An item without a colon is passed over, as the Go driver does. */
function readAttributes(parameter: Parameter): Record<string, string> {
  const attributes = queryDecode(parameter).split(",").map((item) => cut(item, ":"));
  return Object.fromEntries(attributes.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

function readTimeZone(parameter: Parameter): void {
  const name = queryDecode(parameter);
  if (["", "UTC", "Local"].includes(name) || isTimeZone(name)) return;
  throw badValue(parameter, "is no time zone, write UTC, Local or a name such as Europe%2FParis");
}

function isTimeZone(name: string): boolean {
  // Intl knows offsets such as +01:00 too, Go does not.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: name }));
  } catch {
    return false;
  }
}

/** As Go's `url.QueryUnescape`: a plus is a space. */
function queryDecode({ key, raw, show }: Parameter): string {
  const decoded = percentDecode(raw.replaceAll("+", " "));
  if (decoded !== undefined) return decoded;
  const name = READERS.has(key) ? key : show(key, "(a session variable)");
  throw problemWith(name, "its value has a wrong percent escape, write % as %25");
}

function addSessionVariable(variables: Map<string, string>, parameter: Parameter): void {
  const { key, show } = parameter;
  if (!/^[A-Za-z_@][A-Za-z0-9_.@$]*$/.test(key)) {
    throw new DsnError(
      `Cannot set a session variable from the MySQL DSN: ${show(key, "a key")} is no parameter and no variable's name`,
    );
  }
  const value = queryDecode(parameter);
  // Deleted first, since the last of two also takes the last place.
  variables.delete(key);
  variables.set(key, value);
}
