import { type Source, type Tree, writeTree } from "./archive.ts";
import type { Documents } from "./documents.ts";
import { type Needs, needsOf } from "./glibc.ts";
import { ROOT } from "./root.ts";
import { run } from "./run.ts";

/** The package's metadata. */
export interface Identity {
  readonly version: string;
  /** Debian's name of the architecture. */
  readonly architecture: string;
  /** Name and e-mail address, as in `Jane Doe <jane@example.com>`. */
  readonly maintainer: string;
  readonly homepage?: string | undefined;
}

/** The Debian package of each shared library that is not glibc's own. */
const PACKAGES: Readonly<Record<string, string>> = { "libgcc_s.so.1": "libgcc-s1 | libgcc1" };
const GLIBC = /^(lib(c|dl|m|pthread|rt)\.so\.\d|ld-linux.*)$/;

/**
 * Makes a Debian package; the same files give the same package bit for bit. Needs dpkg-deb and readelf.
 *
 * @param binary The path of the binary, from which the dependencies are read.
 */
export async function makeDeb(binary: string, documents: Documents, identity: Identity, tree: Tree): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "sera-deb-" });
  try {
    await writeTree(folder, await filesOf(binary, documents, identity, tree.date));
    await writeTree(folder, await controlOf(folder, binary, identity));
    // Otherwise the folders' permissions would depend on the umask.
    await run("find", [folder, "-type", "d", "-exec", "chmod", "0755", "{}", "+"]);
    await run("dpkg-deb", [
      // Not zstd, Ubuntu's default, which Debian before 12 cannot read.
      ...["--root-owner-group", ...tree.fast ? ["-Zgzip", "-z1"] : ["-Zxz"]],
      ...["--build", folder, tree.output],
    ], { env: { SOURCE_DATE_EPOCH: `${tree.date}` } });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function filesOf(
  binary: string,
  documents: Documents,
  { version, maintainer }: Identity,
  date: number,
): Promise<Record<string, Source>> {
  const changelog = `sera (${version}) stable; urgency=medium

  * Release ${version}; what is new is in CHANGELOG.md.

 -- ${maintainer}  ${new Date(1000 * date).toUTCString().replace("GMT", "+0000")}
`;
  const doc = "usr/share/doc/sera";
  const pages = Object.entries(documents).filter(([name]) => name.startsWith("docs/"));
  return {
    ...Object.fromEntries(pages.map(([name, text]) => [`${doc}/${name}`, text])),
    "usr/bin/sera": { from: binary },
    "usr/share/bash-completion/completions/sera": documents["completions/sera.bash"],
    "usr/share/zsh/vendor-completions/_sera": documents["completions/_sera"],
    "usr/share/fish/vendor_completions.d/sera.fish": documents["completions/sera.fish"],
    "usr/share/man/man1/sera.1": documents["sera.1"],
    [`${doc}/README.md`]: documents["README.md"],
    [`${doc}/CHANGELOG.md`]: documents["CHANGELOG.md"],
    [`${doc}/changelog`]: changelog,
    [`${doc}/copyright`]: documents["THIRD-PARTY-NOTICES"],
    "etc/sera.json.example": await Deno.readTextFile(`${ROOT}/scripts/debian/sera.json.example`),
  };
}

async function controlOf(folder: string, binary: string, identity: Identity): Promise<Record<string, Source>> {
  // Debian's policy wants these compressed. -n leaves out the name and the time, which differ with each build.
  for (const page of ["man/man1/sera.1", "doc/sera/README.md", "doc/sera/CHANGELOG.md", "doc/sera/changelog"]) {
    await run("gzip", ["-9n", `${folder}/usr/share/${page}`]);
  }
  const files = (await run("find", [".", "-type", "f", "-printf", "%P\n"], { cwd: folder })).trim().split("\n").sort();
  const sizes = await Promise.all(files.map(async (file) => (await Deno.stat(`${folder}/${file}`)).size));
  const kibibytes = sizes.reduce((sum, size) => sum + Math.ceil(size / 1024), 0);
  const { version, architecture, maintainer, homepage } = identity;
  return {
    "DEBIAN/control": `Package: sera
Version: ${version}
Architecture: ${architecture}
Maintainer: ${maintainer}
Installed-Size: ${kibibytes}
Depends: ${dependencies(await needsOf(binary))}
Section: admin
Priority: optional
${homepage === undefined ? "" : `Homepage: ${homepage}\n`}\
Description: run a command while holding a lock that all nodes share
 sera runs a command on one node at a time. Put it in front of a cron job, a
 migration or a deploy script on every node. The lock lives in a MySQL, MariaDB
 or PostgreSQL database, in etcd, or on one machine in a file.
`,
    "DEBIAN/md5sums": await run("md5sum", ["--", ...files], { cwd: folder }),
    // An upgrade keeps an administrator's changes to it, and a purge removes it.
    "DEBIAN/conffiles": "/etc/sera.json.example\n",
  };
}

function dependencies({ libraries, glibc }: Needs): string {
  const others = libraries.filter((library) => !GLIBC.test(library)).map((library) => {
    const name = PACKAGES[library];
    if (name === undefined) throw new Error(`No Debian package is known for: ${library}; add it to scripts/deb.ts`);
    return name;
  });
  return [`libc6 (>= ${glibc})`, ...others].join(", ");
}
