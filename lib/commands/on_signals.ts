/** Listens to signals until the result is disposed of; on Windows, which lacks the others, only to SIGINT. */
export function onSignals(listeners: Readonly<Partial<Record<Deno.Signal, () => void>>>): Disposable {
  const entries = (Object.entries(listeners) as [Deno.Signal, () => void][])
    .filter(([signal]) => Deno.build.os !== "windows" || signal === "SIGINT");
  for (const [signal, listener] of entries) Deno.addSignalListener(signal, listener);
  return {
    [Symbol.dispose]() {
      for (const [signal, listener] of entries) Deno.removeSignalListener(signal, listener);
    },
  };
}
