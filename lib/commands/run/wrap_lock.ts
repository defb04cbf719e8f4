import type { BackendLock } from "../../backends/backend.ts";
import { ForgetAwareLock, type ForgetAwareness } from "./forget_aware_lock.ts";
import { type Replacing, ReplacingLock } from "./replacing_lock.ts";

/** A lock that asks its holder to end, with `--replace`, or else one with slots, which waits for a `sera forget`. */
export function wrapLock(lock: BackendLock, options: Replacing & ForgetAwareness): BackendLock {
  return options.settings.replace ? new ReplacingLock(lock, options) : new ForgetAwareLock(lock, options);
}
