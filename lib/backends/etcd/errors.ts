import { LockUnavailableError, type Trouble } from "../../errors.ts";

/** The codes of gRPC's errors. */
export const Code = {
  canceled: 1,
  unknown: 2,
  invalid: 3,
  tooSlow: 4,
  notFound: 5,
  denied: 7,
  exhausted: 8,
  precondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

/** More about a request that failed. */
interface Failure {
  /** gRPC's code; undefined if etcd did not answer, or the answer was not etcd's. */
  readonly code?: number | undefined;
  /** etcd's own words. */
  readonly words?: string | undefined;
  readonly transient: boolean;
  /** Whether another member may be able to carry out the request. */
  readonly elsewhere: boolean;
  /** Whether the connection ended before there was an answer. */
  readonly closed?: boolean | undefined;
  readonly cause?: unknown;
}

/** A request to etcd that failed. */
export class EtcdError extends LockUnavailableError {
  readonly code: number | undefined;
  readonly words: string;
  readonly elsewhere: boolean;
  readonly closed: boolean;

  /** @param where The member: "etcd at db.example.com:2379". */
  constructor(where: string, { what, cure }: Trouble, failure: Failure) {
    const { code, words = "", transient, elsewhere, closed = false, cause } = failure;
    super(`Cannot lock on ${where}: ${what}`, cure, { transient, why: what, where, cause });
    this.code = code;
    this.words = words;
    this.elsewhere = elsewhere;
    this.closed = closed;
  }
}
