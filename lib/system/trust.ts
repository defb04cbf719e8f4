/** The bits of a mode that say who may put names into a folder, and take away those of others. */
export const GROUP_WRITES = 0o020;
export const EVERYBODY_WRITES = 0o002;
/** In a folder with it only a file's owner, and the folder's, may remove or rename the file. */
export const STICKY = 0o1000;

/** Groups that only administrators are in: root's; macOS lets `daemon` and `admin` write to folders of the system. */
const SYSTEM_GROUPS: readonly number[] = Deno.build.os === "darwin" ? [0, 1, 80] : [0];

/** Who may decide over what is in a folder. */
export class Trust {
  readonly #users: ReadonlySet<number | null>;
  readonly #groups: ReadonlySet<number | null>;
  readonly #sharing: number | null | undefined;

  /**
   * @param root Whoever the root folder belongs to can do anything here: root, also where a namespace shows it as another.
   * @param shared A folder that is shared on purpose, with its owner and its group.
   */
  constructor(root: Deno.FileInfo, shared?: Deno.FileInfo) {
    this.#users = new Set([0, root.uid, Deno.uid(), ...shared ? [shared.uid] : []]);
    this.#groups = new Set([...SYSTEM_GROUPS, Deno.gid(), ...shared ? [shared.gid] : []]);
    this.#sharing = shared?.gid;
  }

  /** Whether the owner of something may decide. */
  owns({ uid }: Pick<Deno.FileInfo, "uid">): boolean {
    return this.#users.has(uid);
  }

  /** Whether the owner of a folder on the way to another may decide: also whoever shares it with the same group. */
  leads(info: Deno.FileInfo): boolean {
    return this.owns(info) || this.#sharing !== undefined && info.gid === this.#sharing && isShared(info);
  }

  /** Who else can put names into a folder, in words; undefined if nobody can. */
  otherWriters({ mode, gid }: Deno.FileInfo): "everybody" | "its group" | undefined {
    if ((mode! & EVERYBODY_WRITES) !== 0) return "everybody";
    return (mode! & GROUP_WRITES) !== 0 && !this.#groups.has(gid) ? "its group" : undefined;
  }
}

/** Whether a group may put files into a folder. */
export function isShared({ mode }: Deno.FileInfo): boolean {
  return (mode! & GROUP_WRITES) !== 0;
}
