/** How the key that holds a lock ends if the last write to the ledger deletes it, and so releases the lock. */
export class KeyEnd {
  /** `asked for`: a write that deletes it was sent, and it is not known yet whether it was carried out. */
  state: "not asked for" | "asked for" | "done" = "not asked for";
}
