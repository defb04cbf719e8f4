/** Variables that affect the runtime, and may have been set for another program. */

import assert from "node:assert/strict";
import { linux, testWith } from "./needs.ts";
import { Place } from "./place.ts";
import { isCompiled } from "./program.ts";

/** The runtime for developers goes by more of them than the one in the binary. */
const compiled = isCompiled ? undefined : "the program is not compiled";

/** Those that change nothing, with values as bad as may be. */
const HARMLESS: Readonly<Record<string, readonly string[]>> = {
  NODE_CHANNEL_FD: ["0", "1", "2", "3", "9", "99999", "-1", "x", ""],
  NODE_CHANNEL_SERIALIZATION_MODE: ["json", "bogus"],
  NODE_UNIQUE_ID: ["1"],
  NODE_OPTIONS: ["--require ./none.js --inspect --max-old-space-size=1", "--bogus"],
  NODE_DEBUG: ["*", "net,tls,http,fs"],
  NODE_DEBUG_NATIVE: ["*"],
  NODE_V8_COVERAGE: ["/nonexistent/coverage"],
  NODE_PATH: ["/nonexistent"],
  NODE_ENV: ["production"],
  NODE_EXTRA_CA_CERTS: ["/nonexistent"],
  NODE_TLS_REJECT_UNAUTHORIZED: ["0"],
  NODE_ICU_DATA: ["/nonexistent"],
  DENO_DIR: ["/nonexistent", "/proc"],
  DENO_CERT: ["/nonexistent"],
  DENO_TLS_CA_STORE: ["bogus"],
  DENO_V8_FLAGS: ["--bogus", "--help"],
  DENO_NO_UPDATE_CHECK: ["1"],
  DENO_TRACE_PERMISSIONS: ["1"],
  DENO_AUDIT_PERMISSIONS: ["/nonexistent/audit"],
  DENO_PERMISSION_BROKER_PATH: ["/nonexistent/broker"],
  DENO_AUTH_TOKENS: ["a@b"],
  DENO_JOBS: ["x"],
  DENO_UNSTABLE_CONTROL_SOCK: ["/nonexistent/socket"],
  DENO_SERVE_ADDRESS: ["tcp:127.0.0.1:1", "bogus"],
  DENO_COVERAGE_DIR: ["/nonexistent/coverage"],
  DENO_USR2_MEMORY_TRIM: ["1"],
  DENO_KV_DB_MODE: ["x"],
  OTEL_DENO: ["true"],
  OTEL_EXPORTER_OTLP_ENDPOINT: ["http://127.0.0.1:1"],
  OTEL_EXPORTER_OTLP_PROTOCOL: ["bogus"],
  OTEL_SDK_DISABLED: ["x"],
  SSLKEYLOGFILE: ["/dev/null/keys"],
  SSL_CERT_FILE: ["/nonexistent"],
  SSL_CERT_DIR: ["/nonexistent"],
  LD_BIND_NOW: ["1"],
  LD_LIBRARY_PATH: ["/nonexistent"],
  GLIBC_TUNABLES: ["glibc.malloc.check=3"],
  MALLOC_ARENA_MAX: ["1"],
  MALLOC_CHECK_: ["3"],
  MALLOC_PERTURB_: ["165"],
  RUST_BACKTRACE: ["full"],
  RUST_LOG: ["trace"],
  RUST_MIN_STACK: ["1", "x"],
  TOKIO_WORKER_THREADS: ["0", "x"],
  UV_THREADPOOL_SIZE: ["x"],
  NO_COLOR: ["1"],
  FORCE_COLOR: ["1"],
  COLORTERM: ["truecolor"],
  TZ: ["bogus/x", ":/nonexistent"],
  LC_ALL: ["xx_XX.bogus"],
  LANG: ["tr_TR.UTF-8"],
  TMPDIR: ["/nonexistent", "/dev/null"],
  SQLITE_TMPDIR: ["/nonexistent"],
  HTTP_PROXY: ["http://127.0.0.1:1"],
  ALL_PROXY: ["socks5://127.0.0.1:1"],
  BASH_ENV: ["/nonexistent"],
  ENV: ["/nonexistent"],
  NOTIFY_SOCKET: ["/nonexistent"],
  LISTEN_FDS: ["1"],
};

/** Says that the variable is as it was, and that the lock is held. */
const COMMAND = ["sh", "-c", 'printenv "$1"; [ -n "$SERA_LOCK_NAME" ] && exit 7', "sh"];

for (const [name, values] of Object.entries(HARMLESS)) {
  testWith([linux, compiled], `${name} changes nothing, and reaches the command as it is`, async () => {
    await using place = await Place.make();
    for (const value of values) {
      const { code, stdout, stderr } = await place.sera(["--once", "k", "0", ...COMMAND, name], {
        env: { [name]: value, SERA_LEDGER: "true" },
      });
      assert.deepEqual({ code, stdout, stderr }, { code: 7, stdout: `${value}\n`, stderr: "" }, value);
    }
  });
}

testWith([linux, compiled], "an open NODE_CHANNEL_FD is the command's, and nothing is said there", async () => {
  await using place = await Place.make();
  const channel = place.file("channel");
  const script = `exec 3<>${channel}; NODE_CHANNEL_FD=3 sera --once k 0 sh -c 'echo "$NODE_CHANNEL_FD" >&3'`;
  await place.run(["mkfifo", channel]);
  const { code, stdout, stderr } = await place.shell(`${script}; read -r line <&3; echo "$line"`);
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "3\n", stderr: "" });
});

testWith(
  [linux, compiled],
  "DENO_LOG adds lines to stderr, none of them with a password, and changes nothing else",
  async () => {
    await using place = await Place.make();
    const env = { DENO_LOG: "trace" };
    const { code, stdout } = await place.sera(["0", ...COMMAND, "DENO_LOG"], { env });
    assert.deepEqual({ code, stdout }, { code: 7, stdout: "trace\n" });
    for (const server of ["u:geheim@tcp(127.0.0.1:1)/", "host=127.0.0.1 port=1 user=u password=geheim"]) {
      const said = await place.sera(["0", "true"], { env: { ...env, SERA_SERVER: server, PGPASSWORD: "geheim" } });
      assert.equal(said.code, 202);
      assert.doesNotMatch(said.stdout + said.stderr, /geheim/);
    }
  },
);
