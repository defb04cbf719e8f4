import type { Address } from "../network/address.ts";

/** What a MySQL DSN says. Timeouts are milliseconds, and absent where there is none. */
export interface MySqlDsn {
  readonly user: string;
  /** In clear text: keep it out of all messages. */
  readonly password: string;
  /** At least one, in the order to try them. Several only with leases, which they share. */
  readonly addresses: readonly Address[];
  /** Empty: no database is chosen. */
  readonly database: string;
  /** How long connecting may take: the DSN's `timeout`. */
  readonly connectTimeout?: number;
  /** How long one read may take. */
  readonly readTimeout?: number;
  /** How long one write may take. */
  readonly writeTimeout?: number;
  /** `verify` checks the certificate against the address's host; `skip-verify` encrypts and trusts any server. */
  readonly tls: "off" | "verify" | "skip-verify";
  /** Go on in plain text if the server has no TLS. True with `tls=preferred`. */
  readonly allowFallbackToPlaintext: boolean;
  /** Permit `mysql_clear_password`. */
  readonly allowCleartextPasswords: boolean;
  /** Permit `mysql_native_password`. */
  readonly allowNativePasswords: boolean;
  /** Permit the password hash used before MySQL 4.1. */
  readonly allowOldPasswords: boolean;
  /** Character sets to try in this order with `SET NAMES`; the first that the server knows wins. */
  readonly charsets: readonly string[];
  readonly collation?: string;
  readonly connectionAttributes: Readonly<Record<string, string>>;
  /** Ask for a compressed protocol. */
  readonly compress: boolean;
  /** Bytes. Absent (0 in the DSN): the server's own limit. */
  readonly maxAllowedPacket?: number;
  /** Treat the server errors 1290, 1792 and 1836 (read-only) as a broken connection. */
  readonly rejectReadOnly: boolean;
  /** For `SET key=value`, in this order. Values are SQL expressions, so a string needs its own quotes. */
  readonly sessionVariables: Readonly<Record<string, string>>;
}

/** One of a DSN's servers. */
export interface MySqlHost extends MySqlDsn {
  readonly addresses: readonly [Address];
}
