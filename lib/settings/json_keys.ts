/**
 * The keys of a JSON object as they are written, in order. JSON.parse keeps one of those that are the same.
 *
 * @param text A valid JSON object.
 */
export function keysOf(text: string): readonly string[] {
  const keys: string[] = [];
  let depth = 0;
  for (const [token, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (depth === 1 && colon !== undefined) keys.push(JSON.parse(token.slice(0, -colon.length)));
  }
  return keys;
}
