/** How many may hold a lock and wait for it, and which other locks are held with it. */
export interface Limits {
  /**
   * How many may hold the lock at once, from 2 to `MAX_SLOTS`: each has a slot of its own, see `slotName()`. Undefined for
   * a plain lock, which has one slot. All who share the lock must use the same number: a run that finds it held with
   * another number gets an `OtherSlotsError`, at once or later during its wait.
   */
  readonly slots?: number | undefined;
  /**
   * Further locks, which are held together with this one: all or none, by one session, under one deadline. They are plain
   * locks. Every run asks for its locks in the order of their names, this one included, and for slots last, so that no
   * two runs wait for each other.
   */
  readonly also?: readonly string[] | undefined;
  /**
   * How many may wait for the lock. Waiters without such a limit may not be counted. A run that would be one waiter too
   * many gets a `QueueFullError` at once; a run that does not wait is not counted. Refused on MySQL
   * before 5.7.5 and MariaDB before 10.0.2, where a session holds one lock only.
   */
  readonly maxWaiters?: number | undefined;
}
