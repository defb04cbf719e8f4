import type { Settings } from "../settings/settings.ts";
import type { Io } from "../io.ts";
import type { LockOptions } from "../backends/backend.ts";

/**
 * The settings that a backend needs. Does not report retries.
 *
 * @param label The name for the session that others see.
 */
export function backendOptions(
  { tlsCa, ttl, grace, lease, leaseTable, ledger, allowUnsafeServer }: Settings,
  label: string,
  { env }: Io,
): LockOptions {
  return {
    tlsCa,
    lease: { ttl, grace },
    leaseTable: lease ? leaseTable : undefined,
    ledger,
    allowUnsafeServer,
    label,
    env,
    retrying: () => undefined,
  };
}
