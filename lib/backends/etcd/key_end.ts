/** The end of the key that holds a lock when the last write to the ledger deletes it: then the lock is released by that. */
export class KeyEnd {
  /** `asked for`: a write was sent that deletes it, and it is not known yet whether that was carried out. */
  state: "not asked for" | "asked for" | "done" = "not asked for";
}
