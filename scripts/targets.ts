/** One of the systems that a release is made for. */
export interface Target {
  /** Rust's name of the target, which `deno compile` takes. */
  readonly name: string;
  /** Debian's and Docker's name of the architecture; Linux only. */
  readonly architecture?: "amd64" | "arm64";
}

/** The systems that a release is made for. */
export const TARGETS: readonly Target[] = [
  { name: "x86_64-unknown-linux-gnu", architecture: "amd64" },
  { name: "aarch64-unknown-linux-gnu", architecture: "arm64" },
  { name: "x86_64-apple-darwin" },
  { name: "aarch64-apple-darwin" },
  { name: "x86_64-pc-windows-msvc" },
];

/** Whether a target is Windows, where programs end in .exe and people expect zip files. */
export function isWindows(target: string): boolean {
  return target.includes("-windows-");
}

/** The name of the binary that the build makes for a target. */
export function binaryName(target: string): string {
  return `sera-${target}${isWindows(target) ? ".exe" : ""}`;
}
