/**
 * Explanations that go beyond a message's own words, by the beginning of the message. The generator reports a beginning that
 * no message has.
 */
export const MEANINGS: Readonly<Record<string, string>> = {
  // The server's own words, by its numbers: sera passes on the words, not the number.
  "error 1040": "Too many connections",
  "error 1044": "Access denied for user … to database …",
  "error 1045": "Access denied for user …",
  "error 1047": "WSREP has not yet prepared node for application use",
  "error 1049": "Unknown database …",
  "error 1115": "Unknown character set: …",
  "error 1129": "Host … is blocked because of many connection errors",
  "error 1130": "Host … is not allowed to connect to this MySQL (MariaDB) server",
  "error 1193": "Unknown system variable …",
  "error 1203": "User … already has more than 'max_user_connections' active connections",
  "error 1226": "User … has exceeded the … resource",
  "error 1231": "Variable … can't be set to the value of …",
  "error 1232": "Incorrect argument type to variable …",
  "error 1253": "COLLATION … is not valid for CHARACTER SET …",
  "error 1273": "Unknown collation: …",
  "error 1290": "The server is running with the … option so it cannot execute this statement",
  "error 1792": "Cannot execute statement in a READ ONLY transaction",
  "error 1836": "Running in read-only mode",
  "error 22023": "invalid value for parameter …",
  "error 25006": "cannot execute … in a read-only transaction",
  "error 28000": "role … is not permitted to log in; no pg_hba.conf entry for …",
  "error 28P01": "password authentication failed for user …",
  "error 3D000": "database … does not exist",
  "error 42501": "permission denied for …",
  "error 42704": "unrecognized configuration parameter …",
  "error 53100": "No space left on device",
  "error 53300": "sorry, too many clients already",
  "error 55000": "database … is not currently accepting connections",
  "error 57P03": "the database system is starting up (or shutting down, or in recovery)",
  "error 57P05": "terminating connection due to idle-session timeout",

  // While it waits, and when it gives up.
  "Lock not acquired":
    "Somebody else held the lock until `<wait>` was over. If the command must run, use a longer wait; `sera status` shows who holds the lock.",
  "a later run with --replace": "A newer run with `--replace` takes the lock next, instead of this one.",
  "one run already waits for it": "`--max-waiters` allows no more waiters.",
  "… runs already wait for it": "`--max-waiters` allows no more waiters.",
  "nobody may wait": "With `--max-waiters 0` nobody may wait.",
  "… - skipped the command.": "The reason comes first: a run that `--once` or `--every` counts, or `--wait-and-skip`.",
  "Somebody else holds the lock": "`--wait-and-skip` waits until the other run is over, and then skips this one.",
  "Interrupted by signal": "A signal ended sera before the command had started. sera exits with 128 plus its number.",

  // While the command runs.
  "Asked to release the lock":
    "Somebody used `sera unlock`, or a newer run with `--replace` came. The text after the colon says who and where.",
  "Lock lost:":
    "The reason follows the colon: the connection ended, the server restarted, or no renewal was answered in time.",
  "Lock lost: sera was stopped or stuck":
    "sera was suspended (SIGSTOP, a machine that slept) or got no processor time, so its helper shell killed the command.",
  "Lock lost: the lock file was removed":
    "A cleanup job removes files in the lock folder. Exclude that folder from the cleanup.",
  "Lock lost: its file system does not answer": "See the system's log about the disk or the network file system.",
  "sera was suspended for":
    "The machine slept, or somebody stopped sera. If the machine is only slow, use a longer `--ttl`.",
  "The lock was gone before its release":
    "The command had ended. Another node may have run it at the same time: the server's log may say why the lock was freed.",
  "Cannot release the lock on …": "The command had ended. The server frees the lock when the connection ends.",
  "The lock was already released": "A fault in sera: please report it.",
  "… has freed it": "The server ended the session or restarted: see its log.",
  "… has changed": "The server became a replica, or joined a cluster, while sera held the lock, as in a failover.",
  "…: its key was deleted": "Somebody deleted the key in etcd, as `sera unlock --force` does.",
  "…: its lease has ended": "sera could not renew it in time, or somebody revoked it.",
  "…: its lease is held by":
    "Another holder has the lease: this one could not renew it in time, or somebody freed it by force.",
  "…: its lease is no longer ours": "Another holder has taken the lease since: this one could not renew it in time.",
  "…: somebody has freed its row": "Somebody used `sera unlock --force`, or changed the table.",
  "The command ran longer than": "It took longer than `--max-run` allows.",
  "Cannot go on": "The system denies sera something it needs. The text after the colon says what that is.",
  "Unexpected error":
    "A fault in sera. The line says where it happened in the program, and holds nothing secret: add it to your report.",

  // Reasons, which other messages of this page contain.
  "Cannot lock on …: …": "Many messages begin like this. Search for the reason that follows the colon.",
  "Cannot use …: it has no effect": "sera refuses a flag that would change nothing, since you expect something of it.",
  "the connection was abandoned": "sera closed it, since the server did not answer in time.",
  "no answer, and a signal": "The server had not answered when a signal ended sera.",
  "… is failing": "sera asks another member of etcd from now on.",
  "the server's answer is invalid": "A proxy or another program answers, or a column has another type.",
  "the server aborted the request": "The next try may work. See the server's log.",
  "the run numbers that":
    "Some rows already have these numbers, as after a restore. Set the table's counter to a higher number.",
  "etcd assigned no run number": "Check the proxies between sera and etcd.",
  "this table is not sera's": "It has other columns. Name another one with `--ledger-table`.",
  "it is read-only": "A fault in sera: please report it.",
  "run … has been deleted": "Somebody deleted its row, or a cleanup job did.",
  "run … is marked as …": "Somebody changed its row, as `sera forget` does.",
  "not a regular file": "It is a device or a socket. Give the path of a file.",
  "longer than 1 MiB": "The setting expects a small file. Give another path.",
  "the program that writes to this pipe does not close it":
    "A process substitution such as `<(cat FILE)` does that by itself.",
  "there is no such file": "Correct the path.",
  "…: no answer for": "The file system did not answer in time. Look at the network file system or the disk.",

  // sera doctor.
  "two connections got the same lock at once":
    "The server's locks exclude nobody. A proxy may fake them, or spread connections over several servers.",
  "somebody else already holds the test lock, which has a random name":
    "The server grants no lock at all. Check the proxies between sera and the server.",
  "the test lock was still held after its release": "A pooler or proxy keeps the session, and with it the lock.",
  "there is no table, and it cannot be created":
    "Ask an administrator to create it: `sera history --schema` prints the SQL.",
  "The user may not use advisory locks":
    "Grant the role EXECUTE on `pg_try_advisory_lock` and the other functions for advisory locks.",

  // Notes.
  "There is no /bin/sh": "Without a shell nothing ends the command if sera is killed with SIGKILL.",
  "Run … by … at … did not finish": "The node of that run died, or lost the lock. The run counts as failed.",
  "Renewing the lease over a new connection": "The old connection ended. The command does not notice.",
  "…; retrying until the wait is over.": "The trouble may pass, so sera tries again until `<wait>` is over.",
  "…; trying to record the end": "The command has ended. sera keeps the lock while it tries.",
  "…; old runs were not deleted.": "Runs older than `keep-history` could not be deleted. The next run tries again.",
  "The password file … is ignored": "As in libpq. Make the user its owner, and set its mode to 0600.",
};
