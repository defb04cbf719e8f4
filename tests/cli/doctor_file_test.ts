/** `sera doctor` on files: it fails exactly when a run would, and leaves nothing. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { read } from "./doctor_report.ts";
import { anotherUser, asNobody, mountNamespace, root, SHARING_GROUP, testWith } from "./needs.ts";
import { Place } from "./place.ts";
import { PROGRAM } from "./program.ts";
import type { Ended } from "./running.ts";

/** What lies in the folder, with its content. */
function contentOf(folder: string): readonly unknown[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => [name, Deno.readFileSync(`${folder}/${name}`)]).sort();
}

/** That doctor says this, changes nothing, and ends as a run does. */
async function assertSame(
  place: Place,
  says: RegExp,
  run = (args: readonly string[]): Promise<Ended> => place.sera(args),
): Promise<void> {
  const before = contentOf(place.locks);
  const told = read(await run(["doctor", "--ledger"]));
  assert.deepEqual(contentOf(place.locks), before);
  assert.match(told.stdout, says);
  const ended = await run(["--ledger", "0", "true"]);
  assert.equal(told.code, ended.code, `${told.stdout}${ended.stderr}`);
}

async function withLedger(mode = 0o700): Promise<Place> {
  const place = await Place.make();
  await Deno.mkdir(place.locks);
  await Deno.chmod(place.locks, mode);
  return place;
}

Deno.test("doctor and a run agree on the content of the ledger's file", async () => {
  await using place = await withLedger();
  const path = `${place.locks}/ledger.sqlite`;
  await assertSame(place, /^pass {2}ledger +\S+ledger\.sqlite is not there yet; the first run creates it$/m);
  await assertSame(place, /^pass {2}ledger +it can be read and written; its last run is 1,/m);
  using(path, "CREATE TRIGGER t BEFORE INSERT ON sera_runs BEGIN SELECT raise(ABORT, 'no rows today'); END");
  await assertSame(place, /^fail {2}ledger .*no rows today; fix the trigger/m);
  using(path, "DROP TRIGGER t; ALTER TABLE sera_runs DROP COLUMN label");
  await assertSame(place, /^pass {2}ledger /m);
  using(path, "DROP TABLE sera_runs; CREATE TABLE sera_runs (id INTEGER, other TEXT)");
  await assertSame(place, /^fail {2}ledger .*this table is not sera's/m);
  await Deno.writeTextFile(path, "this is no database\n".repeat(1000));
  await assertSame(place, /^fail {2}ledger .*file is not a database/m);
  await Deno.remove(path);
  await Deno.symlink("/etc/passwd", path);
  await assertSame(place, /^fail {2}ledger .*it is a symbolic link/m);

  function using(path: string, statements: string): void {
    const database = new DatabaseSync(path);
    database.exec(statements);
    database.close();
  }
});

testWith([root], "doctor and a run agree on a ledger that a group shares, of which a copy is tried", async () => {
  await using place = await withLedger(0o770);
  await Deno.chown(place.locks, 0, SHARING_GROUP);
  await assertSame(place, /^pass {2}ledger +\S+ledger\.sqlite is not there yet/m);
  await assertSame(place, /^pass {2}ledger +it can be read and written; its last run is 1,/m);
  await Deno.writeTextFile(`${place.locks}/ledger.sqlite`, "this is no database\n".repeat(1000));
  await assertSame(place, /^fail {2}ledger .*file is not a database/m);
});

testWith([root, anotherUser], "doctor and a run agree on what a user without rights may do", async () => {
  await using place = await withLedger();
  await Deno.chmod(place.path, 0o711);
  await Deno.chown(place.locks, 65534, 65534);
  const server = `--server=${place.server}`;
  // Through a shell, since setpriv itself still reaches what root can.
  const asUser = (args: readonly string[]) => {
    const [first, ...rest] = args[0] === "doctor" ? ["doctor", server, ...args.slice(1)] : [server, ...args];
    return place.run(["setpriv", ...asNobody(["sh", "-c", '"$@"', "sh", ...PROGRAM, first!, ...rest])]);
  };
  const path = `${place.locks}/ledger.sqlite`;
  await assertSame(place, /^pass {2}ledger .*is not there yet/m, asUser);
  await Deno.chmod(path, 0o400);
  await assertSame(place, /^fail {2}ledger .*attempt to write a readonly database; fix that/m, asUser);
  await Deno.chown(path, 0, 0);
  await Deno.chmod(path, 0o644);
  await assertSame(place, /^fail {2}ledger .*attempt to write a readonly database/m, asUser);
  await Deno.remove(path);
  await Deno.chmod(place.locks, 0o500);
  await assertSame(place, /^fail {2}lock .*permission denied; chmod u\+rwx \S+, or use another folder/m, asUser);
});

testWith([mountNamespace], "doctor and a run agree on a file system that is read-only", async () => {
  await using place = await withLedger();
  await place.sera(["--ledger", "0", "true"]);
  const inside = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"';
  const readOnly = (args: readonly string[]) =>
    place.run(["unshare", "--mount", "sh", "-c", inside, place.locks, ...PROGRAM, ...args]);
  await assertSame(place, /^fail {2}lock .*read-only file system/m, readOnly);
});
