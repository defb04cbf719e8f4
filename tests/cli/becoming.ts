/** Commands that become another user's, whom sera may not signal. */

import { anotherUser, asNobody, linux, type Need, root, tool } from "./needs.ts";
import type { Place } from "./place.ts";

/** The user that a command becomes; any that is neither root nor the one that sera runs as. */
export const OTHER_UID = 4242;

/** A sera without the right to signal everybody, and how its command becomes another user. */
export interface Becoming {
  readonly what: string;
  readonly need: Need;
  /** The user that sera runs as. */
  readonly uid: number;
  /** Prepares the place, and gives the words before sera's, and those before the command's. */
  prepare(place: Place): Promise<{ readonly sera: readonly string[]; readonly command: readonly string[] }>;
}

const WITHOUT_KILL = ["--bounding-set=-kill", "--inh-caps=-kill"];
const BECOME = [`--reuid=${OTHER_UID}`, "--clear-groups"];

/** Like sudo(8): a program that every user may run, and that runs as root. */
async function setuidProgram(folder: string): Promise<string> {
  const path = `${folder}/become`;
  const { stdout } = await new Deno.Command("sh", { args: ["-c", "command -v setpriv"] }).output();
  await Deno.copyFile(new TextDecoder().decode(stdout).trim(), path);
  await Deno.chmod(path, 0o4755);
  return path;
}

async function setuidWorks(): Promise<Need> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.chmod(folder, 0o755);
    const program = await setuidProgram(folder);
    return tool("setpriv", ...asNobody([program, ...BECOME, "true"]));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

export const BECOMINGS: readonly Becoming[] = [
  {
    what: "root without CAP_KILL",
    need: root ?? linux ?? tool("setpriv", ...WITHOUT_KILL, "setpriv", ...BECOME, "true"),
    uid: 0,
    async prepare(place) {
      await Deno.chmod(place.path, 0o755);
      return { sera: ["setpriv", ...WITHOUT_KILL, "sera"], command: ["setpriv", ...BECOME] };
    },
  },
  {
    what: "a user, with a setuid program",
    need: anotherUser ?? await setuidWorks(),
    uid: 65534,
    async prepare(place) {
      await Deno.chmod(place.path, 0o755);
      await Deno.mkdir(place.locks, { mode: 0o700 });
      await Deno.chown(place.locks, 65534, 65534);
      return {
        sera: ["setpriv", ...asNobody(["sera"])],
        command: [await setuidProgram(place.path), ...BECOME],
      };
    },
  },
];
