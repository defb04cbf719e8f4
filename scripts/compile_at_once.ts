import { parse } from "acorn";

/**
 * Puts the bodies of CommonJS modules in parentheses, which is V8's sign for a function that is about to be called: it
 * then compiles them as it reads them. Otherwise it reads them twice, first only to see where they end, and for the
 * drivers that takes longer than to connect to a server.
 *
 * @param code What the bundler made: such a body is `var name = wrap((exports, module) => { … })`.
 */
export function compileAtOnce(code: string): string {
  const parts: string[] = [];
  let end = 0;
  for (const statement of parse(code, { ecmaVersion: "latest", sourceType: "module" }).body) {
    if (statement.type !== "VariableDeclaration") continue;
    for (const { init } of statement.declarations) {
      if (init?.type !== "CallExpression" || init.arguments.length !== 1) continue;
      const [body] = init.arguments;
      if (body?.type !== "ArrowFunctionExpression" || body.body.type !== "BlockStatement") continue;
      const parameters = body.params.map(({ start, end }) => code.slice(start, end)).join(",");
      // The sign is for functions only. The bundler has replaced `this`, so that one does as well.
      parts.push(code.slice(end, body.start), `(function(${parameters})${code.slice(body.body.start, body.end)})`);
      end = body.end;
    }
  }
  return parts.join("") + code.slice(end);
}
