import type { X509Certificate } from "node:crypto";

/** The TLS connection that was asked for. */
export interface TlsRequest {
  readonly host: string;
  readonly verify: boolean;
  /** The setting that names the CA. */
  readonly setting: string;
  /** What to do if the certificate is not the reason. */
  readonly otherwise?: string | undefined;
  /** Connects once more to get the certificate, which Deno 2.9 does not show if it is not trusted; always rejects. */
  readonly fetchCertificate: () => Promise<unknown>;
}

/** What is known about a failed handshake. */
export interface Failure extends TlsRequest {
  /** The runtime's message. */
  readonly words: string;
  /** The server's certificate in DER, if it is known. */
  readonly der: Uint8Array | undefined;
  readonly certificate: X509Certificate | undefined;
  /** Whether the handshake failed even without checks, so that the certificate cannot be read. */
  readonly unread: boolean;
}
