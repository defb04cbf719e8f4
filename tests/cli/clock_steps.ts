/** Clocks that a test sets. */

/** The variables for a process whose clock is put forward or back by what a file says; the monotonic clock is not. */
export async function steppedBy(file: string): Promise<Record<string, string>> {
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
