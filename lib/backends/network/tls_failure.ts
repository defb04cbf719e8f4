import type { X509Certificate } from "node:crypto";

/** What was asked for. */
export interface TlsAsked {
  readonly host: string;
  readonly verify: boolean;
  /** The setting that names the CA. */
  readonly setting: string;
  /** What to do when it is not the certificate. */
  readonly otherwise?: string | undefined;
  /** Connects once more to see the certificate, of which Deno 2.9 says only that it is not trusted; always rejects. */
  readonly lookAgain: () => Promise<unknown>;
}

/** What is known of a failure. */
export interface Failure extends TlsAsked {
  /** The runtime's words. */
  readonly words: string;
  /** The server's certificate, in DER, where it was looked at. */
  readonly der: Uint8Array | undefined;
  readonly certificate: X509Certificate | undefined;
  /** Whether it was refused even where nothing is checked. */
  readonly unread: boolean;
}
