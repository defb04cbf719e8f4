/** Lets luck be the mean, or another part of what it may be, until it is disposed of. */
export function luck(part = 0.5): Disposable {
  const { random } = Math;
  Math.random = () => part;
  return { [Symbol.dispose]: () => void (Math.random = random) };
}
