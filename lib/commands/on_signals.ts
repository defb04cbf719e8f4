/** Listens to signals that do not end sera, where there are any, until the result is disposed of. */
export function onSignals(listeners: Readonly<Partial<Record<Deno.Signal, () => void>>>): Disposable {
  const entries = Deno.build.os === "windows" ? [] : Object.entries(listeners) as [Deno.Signal, () => void][];
  for (const [signal, listener] of entries) Deno.addSignalListener(signal, listener);
  return {
    [Symbol.dispose]() {
      for (const [signal, listener] of entries) Deno.removeSignalListener(signal, listener);
    },
  };
}
