import { AskedToEndError } from "../errors.ts";
import { textFrom } from "../text/untrusted.ts";
import { within } from "../waiting.ts";

/** How long to look up who asks, in milliseconds; the holder then ends without naming them. */
const LOOKUP_TIMEOUT = 1000;

/** Who asks a holder to release its lock, as far as known. May be forged. */
export interface Requester {
  /** What it is doing, and for which user: `unlock by root`. */
  readonly label?: string | undefined;
  readonly host?: string | undefined;
}

/** Tells a holder, once, that somebody asks it to release the lock. */
export class EndRequests {
  readonly #asked = new AbortController();
  #isNoticed = false;

  /** Fires once; the reason is an {@linkcode AskedToEndError}. */
  get signal(): AbortSignal {
    return this.#asked.signal;
  }

  /**
   * Call this whenever a renewal shows that somebody asks. It does not block.
   *
   * @param look Finds out who asks. If it fails or takes too long, the message does not say who.
   */
  noticed(look: () => Promise<Requester | undefined>): void {
    if (this.#isNoticed) return;
    this.#isNoticed = true;
    within(LOOKUP_TIMEOUT, look()).catch(() => undefined).then((who) =>
      this.#asked.abort(new AskedToEndError(textFrom(who?.label), textFrom(who?.host)))
    );
  }
}
