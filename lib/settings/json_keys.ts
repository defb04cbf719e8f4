/**
 * The keys of a JSON object in order, repeated ones too; `JSON.parse` keeps only one of those.
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
