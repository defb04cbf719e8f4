/** A signal that knows how many listen to it. */
export class CountedSignal {
  readonly #controller = new AbortController();
  /** As many listen now. */
  listeners = 0;

  constructor() {
    const { signal } = this;
    const { addEventListener, removeEventListener } = signal;
    const listeners = new Set<unknown>();
    const count = () => void (this.listeners = listeners.size);
    signal.addEventListener = (...args: unknown[]) => {
      listeners.add(args[1]);
      count();
      Reflect.apply(addEventListener, signal, args);
    };
    signal.removeEventListener = (...args: unknown[]) => {
      listeners.delete(args[1]);
      count();
      Reflect.apply(removeEventListener, signal, args);
    };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason?: unknown): void {
    this.#controller.abort(reason);
  }
}
