import { isIPv4 } from "node:net";
import type { Finding } from "../../doctor/report.ts";

/** What the settings ask of TLS. */
export interface TlsPolicy {
  /** What the setting says, for example `tls=preferred`. */
  readonly asked: string;
  /** What is verified of the server's certificate. */
  readonly verified: "nothing" | "its CA" | "its CA and names";
  /** Whether a password is sent. */
  readonly password: boolean;
  /** How to turn TLS on. */
  readonly cure: string;
}

/** A connection. */
export interface Connected {
  readonly encrypted: boolean;
  /** The server's address; undefined on a unix socket. */
  readonly remote: string | undefined;
}

/** Whether the connection is encrypted, and whether it should be. */
export function checkTls({ encrypted, remote }: Connected, { asked, verified, password, cure }: TlsPolicy): Finding {
  if (encrypted) {
    const trust = verified === "nothing"
      ? "the server's certificate is not checked, so any server is trusted"
      : `the server's certificate is checked for ${verified}`;
    return { found: `in use (${asked}); ${trust}` };
  }
  if (!remote) return { found: `not in use (${asked}), nor needed on a unix socket` };
  if (isLoopback(remote)) return { found: `not in use (${asked}); the server is on this machine` };
  if (!password) return { found: `not in use (${asked}); no password is sent` };
  return { found: `not in use (${asked}): the password goes to another machine (${remote}) without TLS`, cure };
}

/** Whether an address is this machine's own. */
export function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/i, "");
  return plain === "::1" || isIPv4(plain) && plain.startsWith("127.");
}
