/** The cluster that docs/etcd.md sets up, with its certificates, users and roles, started by the page's own lines. */

import assert from "node:assert/strict";
import { linux, testWith, tool } from "../cli/needs.ts";
import { Place } from "../cli/place.ts";
import { etcdUnavailable } from "../servers/etcd.ts";
import { freePort } from "../servers/free_port.ts";
import { until } from "../servers/observe.ts";
import { findProgram } from "../servers/tool.ts";
import { startWatched } from "../servers/watched.ts";
import { examples, page } from "./markdown.ts";

const ETCD = page("docs/etcd.md");

/** The page's three machines: addresses of this one. */
const MEMBERS = [1, 2, 3] as const;

/** The example with these words. */
function example(words: string): string {
  return examples(ETCD).find(({ text }) => text.includes(words))!.text;
}

testWith(
  [linux ?? etcdUnavailable, tool("openssl", "version")],
  "docs/etcd.md: its certificates, options and roles make a cluster that doctor has nothing to say of",
  async () => {
    await using stack = new AsyncDisposableStack();
    const place = stack.use(await Place.make());
    for (const name of ["etcd", "etcdctl"]) await Deno.symlink(findProgram(name)!, place.file(`bin/${name}`));
    const addresses = MEMBERS.map((n) => `127.0.0.${n}`);
    const clients = freePort(addresses);
    let peers = clients;
    while (peers === clients) peers = freePort(addresses);
    const here = (text: string) =>
      text.replaceAll("/etc/etcd", place.file("etcd")).replaceAll(/DNS:etcd(\d)\.example\.com/g, "IP:127.0.0.$1")
        .replaceAll(/etcd(\d)\.example\.com/g, "127.0.0.$1").replaceAll("2379", `${clients}`)
        .replaceAll("2380", `${peers}`);
    const shell = async (text: string) => {
      const { code, stdout, stderr } = await place.shell(`set -e\nPATH='${place.file("bin")}':$PATH\n${text}`);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    await shell(here(example("-subj /CN=etcd-ca")));
    for (const n of MEMBERS) {
      const text = example("--initial-cluster-token").replace("--name etcd1", `--name etcd${n}`)
        .replaceAll("https://10.0.0.1:", `https://127.0.0.${n}:`)
        .replaceAll("urls https://etcd1.", `urls https://etcd${n}.`)
        .replace("/var/lib/etcd/sera", place.file(`data${n}`));
      const member = await startWatched({
        command: ["sh", "-c", `PATH='${place.file("bin")}':$PATH\n${here(text)}`],
        log: place.file(`etcd${n}.log`),
        folders: [],
      });
      stack.defer(async () => {
        member.signal("SIGKILL");
        await member.wait();
      });
    }
    const users = here(example("etcdctl user add root"));
    const [access] = /^export .*$/m.exec(users)!;
    // All must know of each other, or users cannot be added yet.
    await until(async () => {
      const { code } = await place.shell(
        `PATH='${place.file("bin")}':$PATH\n${access}; etcdctl endpoint health --cluster`,
      );
      return code === 0;
    }, "a cluster of three");
    await shell(users.replace("root-secret", "secret"));

    const tls = ["--tls-ca", place.file("etcd/ca.crt")];
    const server = (user: string) => `etcds://${user}:secret@${addresses.map((at) => `${at}:${clients}`).join(",")}`;
    const told = await place.sera(["doctor", "--ledger", "--server", server("sera"), ...tls]);
    assert.equal(told.code, 0, told.stdout + told.stderr);
    assert.match(told.stdout, /^pass +members +3 of 3 members up/m);
    assert.doesNotMatch(told.stdout, /^(fail|warn) /m);

    const [name] = /^NAME=.*$/m.exec(ETCD.text.replaceAll(/^ {4}/gm, ""))!;
    const [role, ofLedger] = ETCD.text.replaceAll(/^ {4}/gm, "").match(
      /^etcdctl role grant-permission one-lock .*$/gm,
    )!;
    await shell(`${access}; export ETCDCTL_USER=root:secret; ${name.replace("/usr/local/bin/nightly-report", "true")}
      etcdctl role add one-lock; ${role}; etcdctl user add one:secret; etcdctl user grant-role one one-lock`);
    const one = ["--server", server("one"), ...tls];
    assert.equal((await place.sera([...one, "0", "true"])).code, 0);
    assert.equal((await place.sera(["status", ...one, "--", "true"])).code, 1);
    assert.equal((await place.sera([...one, "0", "false"])).code, 202);
    for (const words of [["doctor"], ["metrics"], ["status"]]) {
      assert.equal((await place.sera([...words, ...one])).code, 202, `${words}`);
    }
    assert.equal((await place.sera([...one, "--ledger", "0", "true"])).code, 202);
    await shell(`${access}; export ETCDCTL_USER=root:secret; ${ofLedger}`);
    assert.equal((await place.sera([...one, "--ledger", "0", "true"])).code, 0);
  },
);
