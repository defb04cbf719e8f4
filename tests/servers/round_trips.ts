/**
 * How many round trips a program has waited for, counted and not timed: each of its messages is one step further than all
 * answers that it had by then, and an answer is as far as what the server had been told. So what is sent ahead counts once,
 * on however many connections, and no machine is too slow for it: only answers have to be held back for longer than the
 * program takes to send what does not depend on them.
 *
 * To make a connection is one, as it is with TCP over a network; and so is the greeting of a server that speaks first,
 * which it does when it hears that the connection is made.
 */
export class RoundTrips {
  /** How many the program has waited for so far. */
  answered = 0;
  /** The same, with those whose answers it does not have yet. */
  asked = 0;
  readonly #messages: { readonly step: number; readonly text: string }[] = [];

  /** Counts on one connection more, which has just been made. */
  connection(): ConnectionSteps {
    const connected = this.answered + 1;
    let told = connected + 1;
    return {
      sent: (bytes) => {
        const step = Math.max(this.answered, connected) + 1;
        this.asked = Math.max(this.asked, step);
        this.#messages.push({ step, text: LATIN1.decode(bytes) });
        return step;
      },
      toldServer: (step) => {
        told = Math.max(told, step);
      },
      answeredWith: () => told,
      toldClient: (step) => {
        this.answered = Math.max(this.answered, step);
      },
    };
  }

  /**
   * The round trip in which something like this was first sent; with the first connection's message it is 2.
   *
   * @param after Leaves out that one, and those before.
   * @throws Error When it was not sent, as far as can be read: of TLS nothing can.
   */
  first(like: RegExp, after = 0): number {
    return this.#found(like, this.#messages.find(({ step, text }) => step > after && like.test(text)));
  }

  /** The messages of each round trip, for people. */
  toString(): string {
    return this.#messages.map(({ step, text }) => `${step}: ${text.replaceAll(/[^ -~]+/g, "·")}\n`).join("");
  }

  #found(like: RegExp, message: { readonly step: number } | undefined): number {
    if (!message) throw new Error(`Was not sent: ${like}; but\n${this}`);
    return message.step;
  }
}

/** The events on one connection, in order. */
export interface ConnectionSteps {
  /** The program has sent something; returns the round trip that it belongs to. */
  sent(bytes: Uint8Array): number;
  /** That has been passed on. */
  toldServer(step: number): void;
  /** The server has sent something; returns the round trip that it ends. */
  answeredWith(): number;
  /** That has been passed on. */
  toldClient(step: number): void;
}

const LATIN1 = new TextDecoder("latin1");
