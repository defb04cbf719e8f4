import assert from "node:assert/strict";
import { locksOn, mergeKernelLocks, parseKernelLocks } from "../../../lib/backends/file/kernel_locks.ts";

/** As Linux 6 writes it; waiters follow their holder, and who waits for a waiter is set in further. */
const LIST = `\
1: POSIX  ADVISORY  READ 1043 fe:00:2187877 128 128
2: FLOCK  ADVISORY  WRITE 4711 00:1f:1234 0 EOF
2: -> FLOCK  ADVISORY  WRITE 4712 00:1f:1234 0 EOF
2:  -> FLOCK  ADVISORY  WRITE 4713 00:1f:1234 0 EOF
3: FLOCK  ADVISORY  READ  99 fe:00:1234 0 EOF
4: LEASE  ACTIVE    READ  55 fe:00:1234 0 EOF
5: OFDLCK ADVISORY  WRITE -1 fe:00:1234 0 EOF
`;

const TMPFS = 0x1f;
const DISK = 0xfe00;

function pids(dev: number, recorded?: number): string[] {
  return locksOn(parseKernelLocks(LIST), { dev, ino: 1234 }, recorded)
    .map(({ waiting, pid }) => `${pid}${waiting ? " waits" : ""}`);
}

Deno.test("only holders and waiters of flock(2) are read from the kernel's list", () => {
  assert.deepEqual(parseKernelLocks(LIST).map(({ pid }) => pid), [4711, 4712, 4713, 99]);
  assert.deepEqual(parseKernelLocks(""), []);
});

Deno.test("a file is identified by device and inode", () => {
  assert.deepEqual(pids(TMPFS), ["4711", "4712 waits", "4713 waits"]);
  assert.deepEqual(pids(DISK), ["99"]);
  assert.deepEqual(locksOn(parseKernelLocks(LIST), { dev: DISK, ino: 1235 }, 99), []);
  // A file's locks are not confused with another's, whatever the files contain.
  assert.deepEqual(pids(DISK, 4711), ["99"]);
});

Deno.test("devices with large numbers are told apart", () => {
  const [lock] = parseKernelLocks("1: FLOCK  ADVISORY  WRITE 1 103:12345:7 0 EOF\n");
  const dev = ((0x12345 & 0xfff00) * 2 ** 12) + 0x103 * 2 ** 8 + 0x45;
  assert.deepEqual(locksOn([lock!], { dev, ino: 7 }, undefined), [lock]);
  assert.deepEqual(locksOn([lock!], { dev: dev + 1, ino: 7 }, undefined), []);
});

Deno.test("where stat(2) reports another device, the process named in the file decides", () => {
  const OVERLAY = 0x2a;
  assert.deepEqual(pids(OVERLAY), []);
  assert.deepEqual(pids(OVERLAY, 4711), ["4711", "4712 waits", "4713 waits"]);
  assert.deepEqual(pids(OVERLAY, 99), ["99"]);
  // One that only waits, or another file's, is no holder.
  assert.deepEqual(pids(OVERLAY, 4712), []);
  assert.deepEqual(pids(OVERLAY, 1043), []);
});

Deno.test("merging two lists keeps a lock that is in one of them, and does not repeat one that is in both", () => {
  const one = parseKernelLocks("1: FLOCK  ADVISORY  WRITE 10 08:01:5 0 EOF\n");
  const both = parseKernelLocks(
    "1: FLOCK  ADVISORY  WRITE 10 08:01:5 0 EOF\n2: FLOCK  ADVISORY  WRITE 11 08:01:6 0 EOF\n",
  );
  assert.deepEqual(mergeKernelLocks([one, both]).map(({ pid }) => pid), [10, 11]);
  assert.deepEqual(mergeKernelLocks([both, one]).map(({ pid }) => pid), [10, 11]);
});

Deno.test("a lock that changes hands while the lists are read has one holder, with those who wait for it", () => {
  const before = parseKernelLocks(LIST);
  const after = parseKernelLocks(`\
1: FLOCK  ADVISORY  WRITE 4712 00:1f:1234 0 EOF
1: -> FLOCK  ADVISORY  WRITE 4713 00:1f:1234 0 EOF
`);
  const merged = locksOn(mergeKernelLocks([before, after]), { dev: TMPFS, ino: 1234 }, undefined);
  assert.deepEqual(merged.map(({ waiting, pid }) => [waiting, pid]), [[false, 4712], [true, 4713]]);
  // Another file with the same number is another file.
  assert.deepEqual(locksOn(mergeKernelLocks([before, after]), { dev: DISK, ino: 1234 }, 99).map(({ pid }) => pid), [
    99,
  ]);
});
