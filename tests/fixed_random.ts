/** Makes Math.random() return a constant, by default its mean, until disposed of. */
export function fixedRandom(value = 0.5): Disposable {
  const { random } = Math;
  Math.random = () => value;
  return { [Symbol.dispose]: () => void (Math.random = random) };
}
