/** Sets the local time zone until the result is disposed of. */
export function inZone(zone: string): Disposable {
  const before = Deno.env.get("TZ");
  Deno.env.set("TZ", zone);
  return {
    [Symbol.dispose]: () => before === undefined ? Deno.env.delete("TZ") : Deno.env.set("TZ", before),
  };
}
