import { UsageError } from "../../errors.ts";
import type { LockOptions } from "../backend.ts";

/** Refuses what a backend does not implement yet. Goes when all do. */
export function refuseNotYet({ slots, also, maxWaiters }: LockOptions): void {
  if (slots === undefined && also === undefined && maxWaiters === undefined) return;
  throw new UsageError("Cannot use slots, several names or max-waiters here: not implemented yet");
}
