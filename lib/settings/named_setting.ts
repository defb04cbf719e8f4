import type { FlagSyntax } from "./flag.ts";
import { environmentName } from "./table.ts";

/** A setting and where it is, for messages: `--ttl` or `SERA_TTL`, which say both, but `ttl in /etc/sera.json`. */
export function namedSetting({ name, alias = name }: Pick<FlagSyntax, "name" | "alias">, source: string): string {
  const own = [name, alias].flatMap((name) => [`--${name}`, environmentName(name)]);
  return own.includes(source) ? source : `${name} in ${source}`;
}
