import type { Trouble } from "../../errors.ts";
import type { Address } from "../network/address.ts";

/** One of the servers to try. */
export interface PostgresHost {
  /** Of a Unix socket the path, not that of its folder. */
  readonly address: Address;
  /**
   * What the server's certificate has to be for: the host's name as given, also where hostaddr gives the address to
   * connect to. Absent for Unix sockets, and where only hostaddr is given.
   */
  readonly certificateName?: string;
  /** From the settings or the password file; absent if there is none. In clear: keep it out of every message. */
  readonly password?: string;
}

/** What PostgreSQL settings say. */
export interface PostgresServer {
  /** At least one, in the order to be tried. */
  readonly hosts: readonly PostgresHost[];
  readonly user: string;
  /** By default the user's name. */
  readonly database: string;
  /**
   * As libpq's, for TCP only: a Unix socket has no TLS. Never `require` where there is an `sslrootcert`, for that means
   * the same as `verify-ca`.
   * `verify-ca` verifies the certificate's chain, `verify-full` also that it is for `certificateName`.
   */
  readonly sslmode: "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full";
  /** `direct`: TLS from the first byte, of PostgreSQL 17 and later. Then sslmode is `require` or stronger. */
  readonly sslnegotiation: "postgres" | "direct";
  /**
   * A PEM file of root certificates that exists, or "system" for those of the operating system. Where it is present,
   * TLS has to verify the chain with it, even if sslmode is `allow` or `prefer`, as libpq does.
   */
  readonly sslrootcert?: string;
  /** A PEM file with the client's certificate that exists, and then also `sslkey`. */
  readonly sslcert?: string;
  /** A PEM file with the client's key, which no others may access. */
  readonly sslkey?: string;
  /** Milliseconds that connecting to one host may take; absent: no limit. */
  readonly connectTimeout?: number;
  /** Which servers will do: any, one that allows writing, or one that is no standby. */
  readonly targetSessionAttrs: "any" | "read-write" | "primary";
  /** Only if it was given. */
  readonly applicationName?: string;
  /** Command-line options for the server's session, such as `-c statement_timeout=5s`. */
  readonly options?: string;
  /** Whether TCP keepalives are sent, and after how many seconds without traffic; absent: the system's default. */
  readonly keepalives: { readonly idle?: number } | false;
  /** Why a password file gives no password, if there is one. */
  readonly noPassword?: string;
  /** Harmless oddities that are worth telling when verbose. */
  readonly notes: readonly Trouble[];
}

/** What the settings may be completed from; so that tests need no global state. */
export interface PostgresSurroundings {
  /** An environment variable. An empty one counts as absent. */
  env(name: string): string | undefined;
  /** The user's home folder, if known. On Windows `APPDATA` takes its place. */
  readonly home: string | undefined;
  /** What sera's own setting names as `sslrootcert`. */
  readonly tlsCa?: string | undefined;
  /** Name of the operating system's user; undefined if it has none. Called only when nothing gives a user. */
  systemUser(): string | undefined;
}
