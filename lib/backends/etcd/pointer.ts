import type { KeyValue } from "./answers.ts";
import type { JsonObject } from "./json.ts";
import { idFrom, own, readValue } from "./stored_run.ts";

/**
 * The value of a key that names the latest run of a kind.
 *
 * @param failed For a `--once` key, the latest earlier run that counts if failures do.
 */
export function pointerTo(id: bigint, failed?: bigint): JsonObject {
  return { version: 1, run: String(id), ...failed === undefined ? {} : { failed: String(failed) } };
}

/** The numbers that such a value names, the latest first; none if it is invalid. */
export function readPointer(found: Pick<KeyValue, "value"> | undefined): readonly bigint[] {
  const json = found && readValue(found.value) || {};
  return ["run", "failed"].flatMap((name) => own(json, name, idFrom) ?? []);
}
