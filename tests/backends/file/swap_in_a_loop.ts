/**
 * A worker that puts a plain file, a link and a FIFO into the same place by turns, again and again without a pause, until
 * it is told to stop. Says how often it has done so, and -1 when it has stopped.
 */

/** What to swap. */
export interface Swapping {
  /** The place, in a folder in which there is a FIFO named `fifo`. */
  readonly path: string;
  /** The link's target. */
  readonly victim: string;
  /** The plain file's group. */
  readonly group: number;
  /** Its first number becomes 1 when the worker is to stop. */
  readonly stop: Int32Array;
}

/** A worker's globals; the default types are those of a window. */
const worker = globalThis as unknown as {
  onmessage: (event: MessageEvent<Swapping>) => void;
  postMessage(swaps: number): void;
};

worker.onmessage = ({ data: { path, victim, group, stop } }) => {
  const folder = path.slice(0, path.lastIndexOf("/"));
  const place = (name: string) => Deno.renameSync(`${folder}/${name}`, path);
  const placePlain = () => {
    Deno.writeTextFileSync(`${folder}/plain`, "");
    Deno.chownSync(`${folder}/plain`, 0, group);
    place("plain");
  };
  for (let swaps = 1; Atomics.load(stop, 0) === 0; swaps++) {
    placePlain();
    Deno.symlinkSync(victim, `${folder}/link`);
    place("link");
    placePlain();
    place("fifo");
    Deno.renameSync(path, `${folder}/fifo`);
    if (swaps % 100 === 1) worker.postMessage(swaps);
  }
  worker.postMessage(-1);
};
