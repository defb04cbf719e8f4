import type { BackendLock, LockOptions } from "../../lib/backends/backend.ts";
import { Progress } from "../../lib/commands/run/progress.ts";
import { runUnderLock } from "../../lib/commands/run/run.ts";
import type { Settings } from "../../lib/settings/settings.ts";
import { FakePlace } from "./fake_place.ts";

/** A run on a backend whose locks do what the test says. */
export class Ran implements Disposable {
  readonly place: FakePlace;
  readonly progress = new Progress(() => undefined);
  /** The locks that were made. */
  readonly made: { name: string; options: LockOptions }[] = [];
  acquire: BackendLock["acquire"] = () => Promise.resolve(this.place.held());

  /** @param verbose Whether verbose messages are logged as well. */
  constructor(verbose = true) {
    this.place = new FakePlace(verbose);
  }

  async run(wait: number, settings: Settings): Promise<number> {
    const server = {
      ...settings.server,
      offers: settings.server.offers,
      lock: (name: string, options: LockOptions): Promise<BackendLock> => {
        this.made.push({ name, options });
        return Promise.resolve({
          acquire: (...args) => this.acquire(...args),
          session: () => Promise.resolve(undefined),
          sightings: () => Promise.resolve({ sightings: [], otherSessions: [] }),
          [Symbol.asyncDispose]: () => Promise.resolve(void this.place.events.push("lock: disposed of")),
        });
      },
    };
    const { io, logger } = this.place;
    const request = { wait, words: ["job", "argument"] };
    return await runUnderLock(request, { ...settings, server }, io, logger, this.progress);
  }

  /** The command; the shell beside it was started before. */
  get command() {
    return this.place.system.processes[1];
  }

  [Symbol.dispose](): void {
    this.progress[Symbol.dispose]();
    this.place[Symbol.dispose]();
  }
}
