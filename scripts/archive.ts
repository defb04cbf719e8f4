import { run } from "./run.ts";

/** What an archive, or a Debian package, is made from. */
export interface Tree {
  /** Where to put the file. */
  readonly output: string;
  /** The modification time of every file, in seconds since 1970. */
  readonly date: number;
  /** Whether to compress less, in a tenth of the time. */
  readonly fast?: boolean;
}

/** The source of a file: a text, or another file to copy. */
export type Source = string | { readonly from: string };

/** Writes files into a folder, with permissions that do not depend on the umask; copied files are executable. */
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
    // ustar cannot store what differs from run to run, such as the access time.
    ...["--format=ustar", "--sort=name", `--mtime=@${date}`, "--owner=0", "--group=0", "--numeric-owner"],
    // The umask decides about the folders' permissions on disk.
    ...["--mode=u=rwX,go=rX", name],
  ]);
}

/** Makes a .zip of a folder `name` below `parent`; the same files give the same archive bit for bit. Needs Info-ZIP. */
export async function makeZip(parent: string, name: string, { output, date, fast = false }: Tree): Promise<void> {
  const files = (await run("find", [name, "-type", "f"], { cwd: parent })).trim().split("\n").sort();
  for (const file of files) await Deno.utime(`${parent}/${file}`, date, date);
  // zip would add to an existing archive.
  await Deno.remove(output).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await run("zip", ["-X", "-q", fast ? "-1" : "-6", output, "-@"], {
    cwd: parent,
    // zip stores local times.
    env: { TZ: "UTC" },
    stdin: files.join("\n"),
  });
}
