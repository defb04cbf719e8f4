import type { Trouble } from "../../errors.ts";
import type { Address } from "../network/address.ts";

/** One of the servers to try. */
export interface PostgresHost {
  /** For a Unix socket, the path of the socket itself, not of its folder. */
  readonly address: Address;
  /**
   * The host name that the server's certificate must have: `host` as given, even if hostaddr gives the address to
   * connect to. Absent for Unix sockets, and where only hostaddr is given.
   */
  readonly certificateName?: string;
  /** From the settings or the password file; absent if there is none. In clear: keep it out of every message. */
  readonly password?: string;
}

/** What PostgreSQL settings say. */
export interface PostgresServer {
  /** At least one, in the order to try them. */
  readonly hosts: readonly PostgresHost[];
  readonly user: string;
  /** By default the user's name. */
  readonly database: string;
  /**
   * As in libpq; for TCP only, since a Unix socket never uses TLS. `verify-ca` verifies the certificate's chain,
   * `verify-full` also that it is for `certificateName`. Never `require` where there is an `sslrootcert`: that means
   * `verify-ca`.
   */
  readonly sslmode: "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full";
  /** `direct`: TLS from the first byte, of PostgreSQL 17 and later. Then sslmode is `require` or stronger. */
  readonly sslnegotiation: "postgres" | "direct";
  /**
   * An existing PEM file of root certificates, or "system" for those of the operating system. If present, the chain is
   * verified with it even if sslmode is `allow` or `prefer`, as in libpq.
   */
  readonly sslrootcert?: string;
  /** An existing PEM file with the client's certificate; `sslkey` is then present too. */
  readonly sslcert?: string;
  /** A PEM file with the client's key, which no other users may access. */
  readonly sslkey?: string;
  /** Milliseconds that connecting to one host may take; absent: no limit. */
  readonly connectTimeout?: number;
  /** Which servers to accept: any, one whose sessions can write, or one that is no standby. */
  readonly targetSessionAttrs: "any" | "read-write" | "primary";
  /** The configured application_name; absent if there is none. */
  readonly applicationName?: string;
  /** Command-line options for the server's session, such as `-c statement_timeout=5s`. */
  readonly options?: string;
  /** Whether TCP keepalives are sent, and after how many seconds without traffic; absent: the system's default. */
  readonly keepalives: { readonly idle?: number } | false;
  /** Why the password file gave no password, and what to do; absent if no file was expected. */
  readonly noPassword?: string;
  /** Harmless oddities, which are reported when verbose. */
  readonly notes: readonly Trouble[];
}

/** What settings are completed from; passed in, so that tests need no global state. */
export interface PostgresSurroundings {
  /** An environment variable. An empty one counts as absent. */
  env(name: string): string | undefined;
  /** The user's home folder, if known. On Windows libpq uses `APPDATA` instead. */
  readonly home: string | undefined;
  /** The file in sera's own `tls-ca` setting, used as `sslrootcert`. */
  readonly tlsCa?: string | undefined;
  /** Name of the operating system's user; undefined if it has none. Called only if the settings name no user. */
  systemUser(): string | undefined;
}
