import { parse } from "acorn";

/**
 * Puts functions in parentheses. V8 takes that as a hint that they are about to be called, and compiles them as it reads
 * them; otherwise it reads them twice, first only to find where they end. For the drivers that takes longer than connecting
 * to a server. The functions are the bodies of CommonJS modules, and in the core those that stand at the top level.
 *
 * @param code The bundler's output: a body is `var name = wrap((exports, module) => { … })`.
 * @param isCore Whether it is the file that every run loads: a run calls most of its functions.
 */
export function compileAtOnce(code: string, isCore: boolean): string {
  const { body } = parse(code, { ecmaVersion: "latest", sourceType: "module" });
  // A declared function can be called above its declaration, an assigned one only below: so they come first.
  const imports: string[] = [];
  const functions: string[] = [];
  const rest: string[] = [];
  let end = 0;
  for (const statement of body) {
    if (statement.type === "ImportDeclaration") {
      // One may stand below other statements, and takes effect before them.
      imports.push(code.slice(statement.start, statement.end));
      rest.push(code.slice(end, statement.start));
      end = statement.end;
    }
    if (isCore && statement.type === "FunctionDeclaration") {
      const { start, id } = statement;
      functions.push(`var ${id.name}=(${code.slice(start, id.start).trimEnd()}${code.slice(id.end, statement.end)});`);
      rest.push(code.slice(end, start));
      end = statement.end;
    }
    if (statement.type !== "VariableDeclaration") continue;
    for (const { init } of statement.declarations) {
      if (init?.type !== "CallExpression" || init.arguments.length !== 1) continue;
      const [body] = init.arguments;
      if (body?.type !== "ArrowFunctionExpression" || body.body.type !== "BlockStatement") continue;
      const parameters = body.params.map(({ start, end }) => code.slice(start, end)).join(",");
      // V8 takes the hint for functions, not for arrows. The bundler has replaced `this`, so that both do the same.
      rest.push(code.slice(end, body.start), `(function(${parameters})${code.slice(body.body.start, body.body.end)})`);
      end = body.end;
    }
  }
  return [...imports, ...functions, ...rest, code.slice(end)].join("");
}
