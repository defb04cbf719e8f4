import { run } from "./run.ts";

/** What an archive, or a Debian package, is made from. */
export interface Tree {
  /** Where to put the file. */
  readonly output: string;
  /** What each file bears as the time of its last change, in seconds since 1970. */
  readonly date: number;
  /** Compresses less, in a tenth of the time. */
  readonly fast?: boolean;
}

/** A file to be written: a text, or one that is copied from a path. */
export type Source = string | { readonly from: string };

/** Writes files into a folder, all with the same rights whatever the umask is; those that are copied can be run. */
export async function writeTree(folder: string, files: Readonly<Record<string, Source>>): Promise<void> {
  for (const [name, source] of Object.entries(files)) {
    const path = `${folder}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    if (typeof source === "string") await Deno.writeTextFile(path, source);
    else await Deno.copyFile(source.from, path);
    await Deno.chmod(path, typeof source === "string" ? 0o644 : 0o755);
  }
}

/** Makes a .tar.gz of a folder `name` below `parent`; the same files give the same archive bit for bit. Needs GNU tar. */
export async function makeTar(parent: string, name: string, { output, date, fast = false }: Tree): Promise<void> {
  await run("tar", [
    ...["--create", "--file", output, `--use-compress-program=gzip -n${fast ? 1 : 6}`, "--directory", parent],
    // ustar has no room for what differs from run to run, such as the time of last access.
    ...["--format=ustar", "--sort=name", `--mtime=@${date}`, "--owner=0", "--group=0", "--numeric-owner"],
    // Folders are made under the caller's umask.
    ...["--mode=u=rwX,go=rX", name],
  ]);
}

/** Makes a .zip of a folder `name` below `parent`; the same files give the same archive bit for bit. Needs Info-ZIP. */
export async function makeZip(parent: string, name: string, { output, date, fast = false }: Tree): Promise<void> {
  const files = (await run("find", [name, "-type", "f"], { cwd: parent })).trim().split("\n").sort();
  for (const file of files) await Deno.utime(`${parent}/${file}`, date, date);
  // It adds to an archive that is there.
  await Deno.remove(output).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await run("zip", ["-X", "-q", fast ? "-1" : "-6", output, "-@"], {
    cwd: parent,
    // It writes the local time.
    env: { TZ: "UTC" },
    stdin: files.join("\n"),
  });
}
