/** A worker that looks at a lock of a folder, again and again without a pause. Says how often it has looked. */

import { lookAtFiles } from "../../lib/who/file.ts";

/** What a worker has; the types are those of a page. */
const worker = globalThis as unknown as {
  onmessage: (event: MessageEvent<{ folder: string; lock: string }>) => void;
  postMessage(looks: number): void;
};

worker.onmessage = ({ data: { folder, lock } }) => {
  for (let looks = 1;; looks++) {
    lookAtFiles(folder, { lock });
    worker.postMessage(looks);
  }
};
