/** Certificates for servers, a good one and one for each way to be refused, and for clients. */

import { runTool } from "./tool.ts";

/** The files of one server's certificate, in PEM. */
export interface ServerCertificate {
  /** The certificate. */
  cert: string;
  /** Its private key. */
  key: string;
  /** The certificate of the authority that signed it. */
  ca: string;
}

/** The files of one client's certificate, in PEM. */
export interface ClientCertificate {
  /** The certificate. */
  cert: string;
  /** Its private key, which only its owner may read. */
  key: string;
}

/** What {@linkcode makeCertificates} makes. All but `untrusted` and `otherClient` are signed by the authority `ca`. */
export interface Certificates {
  /** The authority that clients trust. */
  ca: string;
  /** For 127.0.0.1, ::1 and localhost. */
  good: ServerCertificate;
  /** Like the good one, and for a client as well: an etcd that asks its clients for certificates is one of them. */
  bothWays: ServerCertificate;
  /** For 127.0.0.1 only. */
  addressOnly: ServerCertificate;
  /** For localhost only. */
  nameOnly: ServerCertificate;
  /** For the same names as the good one, but its time is over. */
  expired: ServerCertificate;
  /** For other.example only. */
  otherName: ServerCertificate;
  /** For the right names, signed by an untrusted authority. */
  untrusted: ServerCertificate;
  /** For a client whose name is `sera`. */
  client: ClientCertificate;
  /** For a client of the same name, signed by the untrusted authority. */
  otherClient: ClientCertificate;
}

const DAY = 24 * 60 * 60 * 1000;

/** What `openssl ca` asks for in its settings: where it keeps its books, and which names it takes. */
export const BOOKS = `[ca]
default_ca = books
[books]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = anything
unique_subject = no
[anything]
commonName = supplied
`;

/** Extensions as strict verifiers (rustls, so Deno) want them. */
const CONFIG = `
[req]
distinguished_name = name
prompt = no
[name]
CN = sera tests
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[here]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.1, IP:::1, DNS:localhost
[both_ways]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = IP:127.0.0.1, IP:::1, DNS:localhost
[address]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.1
[name_only]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost
[elsewhere]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:other.example
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
${BOOKS}`;

/** Makes the certificates in a folder that exists and is empty. Takes `openssl` and a fraction of a second. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  await Deno.writeTextFile(`${folder}/openssl.cnf`, CONFIG);
  await Deno.writeTextFile(`${folder}/index.txt`, "");
  await Deno.writeTextFile(`${folder}/serial`, "1000\n");
  await makeAuthority(folder, "ca");
  await makeAuthority(folder, "other-ca");
  const now = Date.now();
  const current: [number, number] = [now - DAY, now + 30 * DAY];
  // One after another: `openssl ca` keeps books.
  const good = await makeServer(folder, "good", "ca", "here", current);
  const bothWays = await makeServer(folder, "both-ways", "ca", "both_ways", current);
  const addressOnly = await makeServer(folder, "address-only", "ca", "address", current);
  const nameOnly = await makeServer(folder, "name-only", "ca", "name_only", current);
  const expired = await makeServer(folder, "expired", "ca", "here", [now - 30 * DAY, now - DAY]);
  const otherName = await makeServer(folder, "other-name", "ca", "elsewhere", current);
  const untrusted = await makeServer(folder, "untrusted", "other-ca", "here", current);
  const client = await makeClient(folder, "client", "ca", current);
  const otherClient = await makeClient(folder, "other-client", "other-ca", current);
  const ca = `${folder}/ca.pem`;
  return { ca, good, bothWays, addressOnly, nameOnly, expired, otherName, untrusted, client, otherClient };
}

/**
 * Makes one more certificate, for 127.0.0.1, ::1 and localhost, in the folder that {@linkcode makeCertificates} has filled.
 *
 * @param until When its time is over, in milliseconds since 1970; whole seconds count.
 */
export function makeBriefCertificate(folder: string, until: number): Promise<ServerCertificate> {
  return makeServer(folder, "brief", "ca", "here", [Date.now() - DAY, until]);
}

async function makeAuthority(folder: string, name: string): Promise<void> {
  await openssl(
    folder,
    `req -new -config openssl.cnf ${newKey(name)} -subj /CN=sera-tests-${name}
    -x509 -days 30 -extensions authority -out ${name}.pem`,
  );
}

async function makeServer(
  folder: string,
  name: string,
  authority: string,
  extensions: string,
  time: [number, number],
): Promise<ServerCertificate> {
  return { ...await makeSigned(folder, name, name, authority, extensions, time), ca: `${folder}/${authority}.pem` };
}

function makeClient(
  folder: string,
  name: string,
  authority: string,
  time: [number, number],
): Promise<ClientCertificate> {
  return makeSigned(folder, name, "sera", authority, "client", time);
}

async function makeSigned(
  folder: string,
  name: string,
  subject: string,
  authority: string,
  extensions: string,
  [from, until]: [number, number],
): Promise<ClientCertificate> {
  await openssl(folder, `req -new -config openssl.cnf ${newKey(name)} -subj /CN=${subject} -out ${name}.csr`);
  // Of OpenSSL 3.0's commands only this one can set both dates, which a certificate of the past needs.
  await openssl(
    folder,
    `ca -batch -notext -config openssl.cnf -in ${name}.csr -out ${name}.pem
    -cert ${authority}.pem -keyfile ${authority}.key -extensions ${extensions}
    -startdate ${asn1Time(from)} -enddate ${asn1Time(until)}`,
  );
  return { cert: `${folder}/${name}.pem`, key: `${folder}/${name}.key` };
}

function newKey(name: string): string {
  return `-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ${name}.key`;
}

function openssl(folder: string, args: string): Promise<void> {
  return runTool("openssl", args.split(/\s+/), { cwd: folder });
}

/** YYYYMMDDHHMMSSZ, in UTC. */
function asn1Time(time: number): string {
  return new Date(time).toISOString().replace(/[-:T]|\.\d+/g, "");
}
