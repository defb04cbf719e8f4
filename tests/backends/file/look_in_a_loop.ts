/**
 * A worker that looks at a lock of a folder, again and again without a pause, until it is told to stop: it could not be
 * terminated while it looks. Says how often it has looked, and -1 when it has stopped.
 */

import { lookAtFiles } from "../../../lib/backends/file/sightings.ts";

/** What to look at. */
export interface Loop {
  readonly folder: string;
  readonly lock: string;
  /** Its first number becomes 1 when the worker is to stop. */
  readonly stop: Int32Array;
}

/** A worker's globals; the default types are those of a window. */
const worker = globalThis as unknown as {
  onmessage: (event: MessageEvent<Loop>) => void;
  postMessage(looks: number): void;
};

worker.onmessage = ({ data: { folder, lock, stop } }) => {
  for (let looks = 1; Atomics.load(stop, 0) === 0; looks++) {
    lookAtFiles(folder, { lock });
    worker.postMessage(looks);
  }
  worker.postMessage(-1);
};
