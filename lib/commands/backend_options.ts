import type { Settings } from "../settings/settings.ts";
import type { Io } from "../io.ts";
import type { LockOptions } from "../backends/backend.ts";

/**
 * What the settings say of a backend, for those who only look, or take a lock to try it: they try once.
 *
 * @param label What others see of the session.
 */
export function backendOptions(
  { tlsCa, ttl, grace, allowUnsafeServer }: Settings,
  label: string,
  { env }: Io,
): LockOptions {
  return { tlsCa, lease: { ttl, grace }, allowUnsafeServer, label, env, retrying: () => undefined };
}
