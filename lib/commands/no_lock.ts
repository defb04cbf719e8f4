import { lockName } from "../lock/lock_name.ts";

/** Placeholder lock name for a session that only looks, so that nobody takes it for a waiter. */
export const NO_LOCK = lockName("");
