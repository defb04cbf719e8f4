import { LockUnavailableError, messageOf } from "../../errors.ts";
import { heartbeatOf, type LeaseTerms } from "../../lock/lease.ts";
import { slotName } from "../../lock/slot_name.ts";
import type { Presence } from "../../lock/presence.ts";
import { type ProcessStat, processStat } from "../../system/process.ts";
import type { ForcedRelease, HolderHandle } from "../../who/holder_handle.ts";
import type { Sighting } from "../../who/sighting.ts";
import type { LockFolder } from "./lock_folder.ts";
import { lstatIfThere } from "../../system/if_there.ts";
import { locksOn, readKernelLocks } from "./kernel_locks.ts";
import { LOCK_FILE } from "./names.ts";
import { holdOf } from "./record.ts";
import { lookAtFiles } from "./sightings.ts";
import { endRequestPath, leaveEndRequest, removeEndRequest } from "./end_request.ts";

/** How often to look for a lock in the kernel's list: each look may miss one that is held, see {@linkcode readKernelLocks}. */
const LOOKS = 3;

/** How to learn of processes and locks. */
const SYSTEM = { stat: processStat, locks: readKernelLocks };

/** The handle on a holder of a lock file: a process of this machine. */
export class FileHandle implements HolderHandle {
  readonly unaskable: string | undefined;
  readonly noticedWithin: number;
  readonly #folder: LockFolder;
  readonly #holder: Sighting;
  /** The name of the slot that it holds. */
  readonly #name: string;
  readonly #by: Presence;
  /** The acquisition that the file records; undefined if the holder is not sera. */
  readonly #hold: string | undefined;
  readonly #process: ProcessStat | undefined;
  readonly #system: typeof SYSTEM;
  #hasAsked = false;

  /**
   * @param by Who wants to end it.
   * @param lease Tells how often a holder with the same settings checks for requests.
   */
  constructor(folder: LockFolder, holder: Sighting, by: Presence, lease: LeaseTerms, system = SYSTEM) {
    this.#system = system;
    this.#folder = folder;
    this.#holder = holder;
    this.#name = slotName(holder.lock, holder.slot ?? 0);
    this.#by = by;
    this.noticedWithin = heartbeatOf(lease);
    this.#process = this.#readProcess();
    const hold = holdOf(folder.path, this.#name);
    // The record may be from a holder that died, while a program that writes none holds the lock now.
    this.#hold = hold !== undefined && hold.pid === holder.pid && hold.host === holder.host ? hold.hold : undefined;
    this.unaskable = this.#hold === undefined ? "it is not a sera that can be asked" : undefined;
  }

  holds(): Promise<boolean> {
    const { lock, slot = 0, host, pid } = this.#holder;
    const isHeld = lookAtFiles(this.#folder.path, { lock })
      .some((one) => one.state === "held" && (one.slot ?? 0) === slot && one.host === host && one.pid === pid);
    const now = this.#readProcess();
    // When the process has ended, a child of it may keep the lock. The kernel lists it under the old PID.
    const isSame = this.#hold === undefined
      ? now === undefined || now.started === this.#process?.started
      : holdOf(this.#folder.path, this.#name)?.hold === this.#hold;
    return Promise.resolve(isHeld && isSame);
  }

  ask(): Promise<void> {
    const path = endRequestPath(this.#folder.path, this.#name);
    const { label, host } = this.#by;
    try {
      this.#hasAsked = leaveEndRequest(path, this.#folder, { hold: this.#hold!, label, host }) || this.#hasAsked;
      return Promise.resolve();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const cure = "run sera unlock as the user who runs the command, or as root";
      return Promise.reject(new LockUnavailableError(`Cannot ask the holder: ${path}: ${messageOf(error)}`, cure));
    }
  }

  async force(): Promise<ForcedRelease | undefined> {
    const { pid } = this.#holder;
    if (pid === undefined || !this.#process) throw this.#unreachable();
    const isHolders = this.#isHolders(pid);
    if (!await this.holds()) return undefined;
    if (!isHolders) throw this.#unreachable();
    // Check once more right before the signal: the PID may belong to another process by now.
    if (this.#readProcess()?.started !== this.#process.started) return undefined;
    try {
      Deno.kill(pid, "SIGKILL");
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      if (!(error instanceof Error)) throw error;
      const cure = "run sera unlock as the user whose process it is, or as root";
      throw new LockUnavailableError(`Cannot end process ${pid}: ${messageOf(error)}`, cure);
    }
    return {};
  }

  #readProcess(): ProcessStat | undefined {
    const { host, pid } = this.#holder;
    return pid === undefined || host !== Deno.hostname() ? undefined : this.#system.stat(pid);
  }

  /**
   * Whether the kernel confirms that the holder is this process. The record alone does not: in a container with the same
   * host name, or on another machine that shares the folder, the same number is another process.
   */
  #isHolders(pid: number): boolean {
    const file = lstatIfThere(`${this.#folder.path}/${this.#name}${LOCK_FILE}`);
    if (!file) return false;
    for (let looks = 0; looks < LOOKS; looks++) {
      const locks = locksOn(this.#system.locks() ?? [], file, pid);
      if (locks.some((one) => !one.waiting && one.pid === pid)) return true;
    }
    return false;
  }

  #unreachable(): LockUnavailableError {
    const { host, pid } = this.#holder;
    const which = pid === undefined ? "The holder's process" : `Process ${pid}`;
    if (host !== undefined && host !== Deno.hostname()) {
      return new LockUnavailableError(`${which} runs on ${host}`, "run sera unlock there");
    }
    if (!this.#system.locks()) {
      return new LockUnavailableError(
        "Cannot be sure which process holds the lock: the system's list of locks cannot be read",
        "find out, such as with lsof, and end it with kill",
      );
    }
    return new LockUnavailableError(
      `${which} has ended, or cannot be seen from here`,
      "end what it started that still holds the lock, or end it where it runs, such as in its container",
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasAsked) removeEndRequest(endRequestPath(this.#folder.path, this.#name));
    return Promise.resolve();
  }
}
