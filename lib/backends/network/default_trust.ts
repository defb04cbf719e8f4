/** Which CAs the runtime trusts by default. It reads environment variables, and loads its list only once. */

import { processIo } from "../../io.ts";

/** Deno's variables: which CA stores to use, and a file of further CAs. */
export const STORES = "DENO_TLS_CA_STORE";
export const CERTIFICATE = "DENO_CERT";

/** Whom to trust unless a CA is named. */
export type Trusted = "nobody" | "defaults";

let decided: Trusted | undefined;

/**
 * Makes the runtime trust no CA by default, for as long as this process lives. Call this before the first handshake.
 *
 * @param load Makes the runtime load its list, if it has not done so yet.
 * @throws {ConfigError} When a variable cannot be restored for the command.
 */
export function trustNobody(load = loadStores): void {
  decideTrust("nobody", () => withVariables({ [STORES]: "", [CERTIFICATE]: undefined }, load));
}

/** Decides which CAs to trust, unless that is decided already; "no CA" stays. */
export function decideTrust(whom: Trusted, load: () => void): void {
  if (decided === whom || decided === "nobody") return;
  if (decided !== undefined) throw new Error("the runtime already trusts other CAs than the one that is named now");
  load();
  decided = whom;
}

/** The cheapest way to make the runtime load its list. Does not connect. */
export function loadStores(): void {
  Deno.createHttpClient({}).close();
}

/** Calls a function with changed variables, and restores them: the command must get them as they were. */
export function withVariables<T>(changed: Readonly<Record<string, string | undefined>>, action: () => T): T {
  const before = Object.keys(changed).map((name) =>
    [name, Deno.env.has(name) ? processIo.env(name) ?? "" : undefined] as const
  );
  try {
    for (const [name, value] of Object.entries(changed)) setVariable(name, value);
    return action();
  } finally {
    for (const [name, value] of before) setVariable(name, value);
  }
}

function setVariable(name: string, value: string | undefined): void {
  if (value === undefined) Deno.env.delete(name);
  else Deno.env.set(name, value);
}
