/** What only the C library tells. Linux on 64 bits, whose structures it reads. */

/** See getrusage(2). */
const RUSAGE_CHILDREN = -1;
/** Two times of two 64-bit numbers each, and 14 more numbers. */
const RUSAGE_BYTES = 8 * (2 * 2 + 14);
/** See clock_gettime(2). */
const CLOCK_REALTIME = 0;

let opened: ReturnType<typeof open> | undefined;

/** Opened when first asked, so that these modules can be loaded where there is none. */
const library = () => opened ??= open();

function open() {
  return Deno.dlopen("libc.so.6", {
    getrusage: { parameters: ["i32", "buffer"], result: "i32" },
    clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  }).symbols;
}

/**
 * The processor time of all processes below this one that have been reaped, in milliseconds, to the microsecond. The
 * difference of two is that of what ended between them.
 */
export function childrensProcessorTime(): number {
  const usage = new BigInt64Array(RUSAGE_BYTES / 8);
  library().getrusage(RUSAGE_CHILDREN, usage);
  const [userSeconds, userMicros, systemSeconds, systemMicros] = usage;
  return Number(userSeconds! + systemSeconds!) * 1000 + Number(userMicros! + systemMicros!) / 1000;
}

/** The time since 1970 in nanoseconds, as `date +%s%N` prints it; Date.now() has whole milliseconds only. */
export function realTime(): bigint {
  const time = new BigInt64Array(2);
  library().clock_gettime(CLOCK_REALTIME, time);
  return time[0]! * 1_000_000_000n + time[1]!;
}
