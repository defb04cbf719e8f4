/** How many may hold a lock, and wait for it, and which others are held with it. */
export interface Limits {
  /**
   * How many may hold the lock at once, from 2 to `MOST_SLOTS`: each has a slot of its own, see `slotName()`. Undefined for
   * a plain lock, which has one slot. All who share the lock have to agree: who finds it held by somebody with another
   * number is refused with an `OtherSlotsError`, at once or when the wait has got that far.
   */
  readonly slots?: number | undefined;
  /**
   * Further locks, which are held together with this one: all or none, by one session, under one deadline. They are plain
   * locks. Whoever asks for several asks in the order of their names, this one's included; slots come last.
   */
  readonly also?: readonly string[] | undefined;
  /**
   * How many may wait for the lock, at least of those who have such a limit themselves. A run that would have to wait
   * and be one too many gets a `QueueFullError` at once; a run that does not wait is not counted. Refused on MySQL
   * before 5.7.5 and MariaDB before 10.0.2, where a session holds one lock only.
   */
  readonly maxWaiters?: number | undefined;
}
