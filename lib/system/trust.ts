/** The mode bits that say who may add and remove entries of a folder. */
export const GROUP_WRITES = 0o020;
export const EVERYBODY_WRITES = 0o002;
/** In a folder with this bit only the owner of an entry or of the folder may remove or rename the entry. */
export const STICKY = 0o1000;

/** Groups with administrators only: root's; on macOS also `daemon` and `admin`, which may write to system folders. */
const SYSTEM_GROUPS: readonly number[] = Deno.build.os === "darwin" ? [0, 1, 80] : [0];

/** Which users and groups sera trusts with the contents of a folder. */
export class Trust {
  readonly #users: ReadonlySet<number | null>;
  readonly #groups: ReadonlySet<number | null>;
  readonly #sharing: number | null | undefined;

  /**
   * @param root The root folder. Its owner is root, even if a user namespace shows another number, and is trusted.
   * @param shared A folder that is shared on purpose; its owner and its group are trusted.
   */
  constructor(root: Deno.FileInfo, shared?: Deno.FileInfo) {
    this.#users = new Set([0, root.uid, Deno.uid(), ...shared ? [shared.uid] : []]);
    this.#groups = new Set([...SYSTEM_GROUPS, Deno.gid(), ...shared ? [shared.gid] : []]);
    this.#sharing = shared?.gid;
  }

  /** Whether the owner of something is trusted. */
  owns({ uid }: Pick<Deno.FileInfo, "uid">): boolean {
    return this.#users.has(uid);
  }

  /** Whether a folder on the way to another one is trusted: its owner is, or it is shared with the same group. */
  leads(info: Deno.FileInfo): boolean {
    return this.owns(info) || this.#sharing !== undefined && info.gid === this.#sharing && isShared(info);
  }

  /** Who can write to a folder although not trusted, for messages; undefined if nobody can. */
  otherWriters({ mode, gid }: Deno.FileInfo): "everybody" | "its group" | undefined {
    if ((mode! & EVERYBODY_WRITES) !== 0) return "everybody";
    return (mode! & GROUP_WRITES) !== 0 && !this.#groups.has(gid) ? "its group" : undefined;
  }
}

/** Whether a folder's group may write to it. */
export function isShared({ mode }: Deno.FileInfo): boolean {
  return (mode! & GROUP_WRITES) !== 0;
}
