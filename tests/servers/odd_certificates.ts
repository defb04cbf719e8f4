/** Certificates as administrators make them without thinking of rustls, and as an attacker would forge them. */

import { Buffer } from "node:buffer";
import { BOOKS, type ServerCertificate } from "./certificates.ts";
import { runTool } from "./tool.ts";

const KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
const AUTHORITY = ["basicConstraints = critical, CA:TRUE", "keyUsage = critical, keyCertSign, cRLSign"];
const LEAF = "basicConstraints = critical, CA:FALSE";
const NAMES = "subjectAltName = DNS:localhost, IP:127.0.0.1";

/** A certificate's properties: its extensions, and its issuer. */
export interface OddKind {
  readonly extensions?: readonly string[];
  /** The common name, `localhost` by default. */
  readonly name?: string;
  /** `ca` by default; `itself`; or `forger`, who has the CA's name and another key. */
  readonly signer?: "ca" | "itself" | "forger" | "constrained";
  /** Of version 1, which has no extensions. */
  readonly old?: boolean;
  /** From when to when it counts, YYYYMMDDHHMMSSZ. */
  readonly time?: readonly [string, string];
  /** What happens to the certificate afterwards. */
  readonly tamper?: (der: Buffer) => void;
}

/** Makes one in a folder that {@linkcode makeOddAuthorities} has filled. */
export async function makeOdd(folder: string, kind: OddKind): Promise<ServerCertificate> {
  const { extensions = [LEAF, NAMES], name = "localhost", signer = "ca", old = false, tamper } = kind;
  const id = crypto.randomUUID();
  await Deno.writeTextFile(`${folder}/${id}.cnf`, settings(extensions));
  const run = (args: string) => runTool("openssl", args.split(/\s+/), { cwd: folder });
  await run(`req -new -config ${id}.cnf ${KEY} -keyout ${id}.key -subj /CN=${name} -out ${id}.csr`);
  const [from, until] = kind.time ?? ["20200101000000Z", "20990101000000Z"];
  const by = signer === "itself" ? `-selfsign -keyfile ${id}.key` : `-cert ${signer}.pem -keyfile ${signer}.key`;
  await run(
    old
      ? `x509 -req -in ${id}.csr -days 30 -out ${id}.pem ` +
        (signer === "itself" ? `-signkey ${id}.key` : `-CA ${signer}.pem -CAkey ${signer}.key -CAcreateserial`)
      : `ca -batch -notext -config ${id}.cnf -in ${id}.csr -out ${id}.pem ${by} -extensions wanted ` +
        `-startdate ${from} -enddate ${until}`,
  );
  const cert = `${folder}/${id}.pem`;
  if (tamper) {
    const pem = await Deno.readTextFile(cert);
    const der = Buffer.from(pem.replace(/-----[A-Z ]+-----/g, ""), "base64");
    tamper(der);
    await Deno.writeTextFile(
      cert,
      `-----BEGIN CERTIFICATE-----\n${der.toString("base64").replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`,
    );
  }
  return { cert, key: `${folder}/${id}.key`, ca: signer === "itself" ? cert : `${folder}/${authorityOf(signer)}.pem` };
}

/** Makes the authorities in a folder that is empty. */
export async function makeOddAuthorities(folder: string): Promise<void> {
  await Deno.writeTextFile(`${folder}/index.txt`, "");
  await Deno.writeTextFile(`${folder}/serial`, "1000\n");
  const constraint = "nameConstraints = critical, permitted;DNS:example.com";
  for (const [file, name, more] of [["ca", "odd"], ["forger", "odd"], ["constrained", "constrained", constraint]]) {
    await Deno.writeTextFile(`${folder}/${file}.cnf`, settings([...AUTHORITY, ...(more ? [more] : [])]));
    const args = `req -new -config ${file}.cnf ${KEY} -keyout ${file}.key -subj /CN=${name}
      -x509 -days 30 -extensions wanted -out ${file}.pem`;
    await runTool("openssl", args.split(/\s+/), { cwd: folder });
  }
}

/** The authority that a client trusts: never the forger's. */
function authorityOf(signer: string): string {
  return signer === "forger" ? "ca" : signer;
}

function settings(extensions: readonly string[]): string {
  return `
[req]
distinguished_name = name
prompt = no
[name]
CN = unused
[wanted]
${extensions.join("\n")}
${BOOKS}`;
}
