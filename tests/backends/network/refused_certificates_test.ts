/** Certificates that are refused: the reason is the true one, in no words of the runtime's, and the cure helps. */

import assert from "node:assert/strict";
import { freePort } from "../../servers/free_port.ts";
import { runTool } from "../../servers/tool.ts";
import { assertUnavailable } from "../postgres/ask.ts";

const folder = Deno.makeTempDirSync({ prefix: "sera-refused-" });
const path = (name: string) => `${folder}/${name}`;
const openssl = (args: string) => runTool("openssl", args.split(" "), { cwd: folder });
Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

const P256 = "ec -pkeyopt ec_paramgen_curve:prime256v1";
const RSA = "rsa -pkeyopt rsa_keygen_bits:2048";
const LEAF = "basicConstraints = critical, CA:FALSE";
const NAMES = "subjectAltName = DNS:localhost, IP:127.0.0.1";

Deno.test.beforeAll(async () => {
  for (const [name, algorithm] of [["p256-ca", P256], ["rsa-ca", RSA]]) {
    await openssl(`genpkey -algorithm ${algorithm} -out ${name}.key`);
    await openssl(
      `req -x509 -key ${name}.key -subj /CN=${name} -days 30 -addext keyUsage=keyCertSign -out ${name}.pem`,
    );
  }
});

/** A certificate; by default a good one. */
interface Kind {
  readonly key?: string;
  readonly ca?: "p256-ca" | "rsa-ca";
  readonly name?: string;
  readonly extensions?: readonly string[];
  /** How it is signed, as openssl x509 takes it. */
  readonly signing?: string;
  readonly host?: string;
  readonly says: RegExp;
}

const UNCHECKED = /: TLS failed: the server's certificate, or [^;]+ sera's TLS cannot check \([^;]+; get it signed/;
const NO_WAY =
  /: TLS failed: sera and the server support no common encryption; see its log, [^\n]+ \(RSA, P-256, [^\n]+\)$/;

/** Deno 2.9 checks this one, and cannot be refused for it. */
const IS_OLD = Deno.version.deno.startsWith("2.7.");

const KINDS: Record<string, Kind> = {
  "signed with SHA-224": { signing: "-sha224", says: UNCHECKED },
  "signed by RSA-PSS": { ca: "rsa-ca", signing: "-sha256 -sigopt rsa_padding_mode:pss", says: UNCHECKED },
  ...IS_OLD ? { "signed by P-256 with SHA-512": { signing: "-sha512", says: UNCHECKED } } : {},
  "with critical policies": {
    extensions: [LEAF, NAMES, "certificatePolicies = critical, 1.2.3.4"],
    says:
      /: TLS failed: the server's certificate has a critical extension that sera does not support; make one without it/,
  },
  "for any use": {
    extensions: [LEAF, NAMES, "extendedKeyUsage = anyExtendedKeyUsage"],
    says: /: TLS failed: the server's certificate is not for servers \(extendedKeyUsage\); make one with/,
  },
  "that ends before it begins": {
    signing: "-days -1",
    says:
      /: TLS failed: the server's certificate, or one that signed it, expires before it becomes valid [^;]+; get a new one$/,
  },
  "with the host as common name, for other addresses": {
    name: "127.0.0.1",
    host: "127.0.0.1",
    extensions: [LEAF, "subjectAltName = IP:10.0.0.1, IP:fe80::1"],
    says: /: the server's certificate is for 10\.0\.0\.1, fe80::1, not for 127\.0\.0\.1; connect by a name/,
  },
  "with an RSA-PSS key": { key: "rsa-pss -pkeyopt rsa_keygen_bits:2048", says: NO_WAY },
  "with an Ed448 key": { key: "ed448", says: NO_WAY },
};

for (const [what, kind] of Object.entries(KINDS)) {
  Deno.test(`a certificate ${what} is refused with the reason`, async () => {
    const { key = P256, ca = "p256-ca", name = "localhost", extensions = [LEAF, NAMES], signing = "", host, says } =
      kind;
    const id = crypto.randomUUID();
    await Deno.writeTextFile(path(`${id}.ext`), extensions.join("\n"));
    await openssl(`genpkey -algorithm ${key} -out ${id}.key`);
    await openssl(`req -new -key ${id}.key -subj /CN=${name} -out ${id}.csr`);
    const signer = `-CA ${ca}.pem -CAkey ${ca}.key -CAcreateserial`;
    await openssl(`x509 -req -in ${id}.csr ${signer} -extfile ${id}.ext -out ${id}.pem ${signing}`.trim());
    await using server = await TlsServer.start(path(id));
    const address = `host=${host ?? "localhost"} hostaddr=127.0.0.1 port=${server.port} user=sera dbname=sera`;
    await assertUnavailable(
      `${address} sslmode=verify-full sslnegotiation=direct sslrootcert=${path(`${ca}.pem`)}`,
      says,
    );
  });
}

/** OpenSSL's, since Deno's own would not take such certificates either. */
class TlsServer implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;

  private constructor(readonly port: number, process: Deno.ChildProcess) {
    this.#process = process;
  }

  static async start(files: string): Promise<TlsServer> {
    const port = freePort();
    const process = new Deno.Command("openssl", {
      args: ["s_server", "-accept", `127.0.0.1:${port}`, "-cert", `${files}.pem`, "-key", `${files}.key`]
        .concat("-alpn", "postgresql", "-quiet"),
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    for (;;) {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port })).close();
        return new TlsServer(port, process);
      } catch (error) {
        assert.ok(error instanceof Deno.errors.ConnectionRefused, `${error}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stdin.close();
    this.#process.kill("SIGKILL");
    await this.#process.status;
  }
}
