/** Clocks that a test sets. */

/** Variables that shift a process's wall clock by an offset from a file, but not its monotonic clock. */
export async function clockOffsetFrom(file: string): Promise<Record<string, string>> {
  const words = ["-f", "+0", "sh", "-c", 'printf %s "$LD_PRELOAD"'];
  const { stdout } = await new Deno.Command("faketime", { args: words }).output();
  return {
    LD_PRELOAD: new TextDecoder().decode(stdout),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    DONT_FAKE_MONOTONIC: "1",
  };
}
