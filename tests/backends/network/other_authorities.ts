import assert from "node:assert/strict";
import { sera } from "../../cli/program.ts";

/** Ways to make the runtime trust another CA, or all, besides sera's. */
export function waysToTrust(otherCa: string): Record<string, string>[] {
  const ways = [
    { DENO_CERT: otherCa },
    { DENO_TLS_CA_STORE: "system", SSL_CERT_FILE: otherCa },
    { DENO_TLS_CA_STORE: "mozilla,system", SSL_CERT_FILE: otherCa },
    { SSL_CERT_FILE: otherCa },
    { NODE_EXTRA_CA_CERTS: otherCa },
    { NODE_USE_SYSTEM_CA: "1", NODE_OPTIONS: "--use-system-ca", SSL_CERT_FILE: otherCa },
    { NODE_TLS_REJECT_UNAUTHORIZED: "0" },
  ];
  return [...ways, Object.assign({}, ...ways)];
}

/**
 * Tries a program that names a CA against a server whose certificate is from another one, which every variable has the
 * runtime trust, and from that CA. The command finds the variables as they were.
 *
 * @param args What tells sera the server and the CA.
 * @param present Makes the server show the certificate of the CA that is named, or of the other one.
 */
export async function assertTrustsNamedOnly(
  args: readonly string[],
  otherCa: string,
  present: (whose: "named" | "other") => Promise<void>,
): Promise<void> {
  const command = ["0", "sh", "-c", 'echo "$DENO_CERT|$DENO_TLS_CA_STORE|${DENO_CERT-unset}"'];
  const ways = [...waysToTrust(otherCa), { DENO_CERT: "" }, {}];
  await present("other");
  for (const env of ways) {
    const { code, stdout, stderr } = await sera([...args, ...command], { env });
    assert.deepEqual({ code, stdout }, { code: 202, stdout: "" }, JSON.stringify(env));
    assert.match(stderr, /^sera: [^\n]*TLS failed: [^\n]+\n$/);
  }
  await present("named");
  for (const env of ways) {
    const { DENO_CERT: cert, DENO_TLS_CA_STORE: stores = "" } = env as Record<string, string | undefined>;
    assert.deepEqual(
      await sera([...args, ...command], { env: { DENO_TLS_CA_STORE: undefined, ...env } }),
      { code: 0, stdout: `${cert ?? ""}|${stores}|${cert ?? "unset"}\n`, stderr: "" },
      JSON.stringify(env),
    );
  }
}
