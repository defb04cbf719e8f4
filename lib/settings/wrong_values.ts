import { SETTINGS, type SettingSpec } from "./table.ts";
import { SeraError } from "../errors.ts";
import { type Found, SettingValues } from "./setting_values.ts";

/**
 * The error for the first value that is none of its setting's, where something is missing besides: a flag without its
 * value takes the next word for that, and a value is what its user looks at first.
 *
 * @param find Finds the value of a setting, if it has one.
 * @returns Undefined where each value is one that its setting may have.
 */
export function firstWrong(find: (name: string) => Found | undefined): SeraError | undefined {
  const values = new SettingValues(find);
  for (const spec of SETTINGS) {
    try {
      read(values, spec);
    } catch (error) {
      if (error instanceof SeraError) return error;
      throw error;
    }
  }
  return undefined;
}

function read(values: SettingValues, { name, kind }: SettingSpec): unknown {
  switch (kind) {
    case "text":
    case "file":
    case "word":
      return values.textOrEmpty(name);
    case "boolean":
      return values.optionalBoolean(name);
    case "boolean-or-word":
    case "boolean-or-path":
      return values.booleanOr(name);
    case "duration":
      return values.duration(name, 0);
  }
}
