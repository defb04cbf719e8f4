import { AskedToEndError } from "../errors.ts";
import { textFrom } from "../text/untrusted.ts";
import { within } from "../waiting.ts";

/** How long to look for who asks, in milliseconds: the holder ends without that, too. */
const LONGEST_LOOK = 1000;

/** Who asks a holder for its lock's release, as far as it is known. May be forged. */
export interface Requester {
  /** What it is doing, and for which user: `unlock by root`. */
  readonly label?: string | undefined;
  readonly host?: string | undefined;
}

/** Tells a holder, once, that somebody asks for the lock's release. */
export class EndRequests {
  readonly #asked = new AbortController();
  #isNoticed = false;

  /** Fires once; the reason is an {@linkcode AskedToEndError}. */
  get signal(): AbortSignal {
    return this.#asked.signal;
  }

  /**
   * To be called whenever a renewal shows that somebody asks. Does not wait for anything.
   *
   * @param look Finds out who it is. If that fails or takes long, it is not said.
   */
  noticed(look: () => Promise<Requester | undefined>): void {
    if (this.#isNoticed) return;
    this.#isNoticed = true;
    within(LONGEST_LOOK, look()).catch(() => undefined).then((who) =>
      this.#asked.abort(new AskedToEndError(textFrom(who?.label), textFrom(who?.host)))
    );
  }
}
