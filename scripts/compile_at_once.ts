import { parse } from "acorn";

/**
 * Puts functions in parentheses, which is V8's sign for one that is about to be called: it then compiles them as it reads
 * them. Otherwise it reads them twice, first only to see where they end, and for the drivers that takes longer than to
 * connect to a server. It is done to the bodies of CommonJS modules.
 *
 * @param code What the bundler made: a body is `var name = wrap((exports, module) => { … })`.
 * @param isCore Whether it is what every run loads, most of whose functions every run calls: those that stand by themselves
 * are done as well.
 */
export function compileAtOnce(code: string, isCore: boolean): string {
  const { body } = parse(code, { ecmaVersion: "latest", sourceType: "module" });
  const imports = body.findLast(({ type }) => type === "ImportDeclaration")?.end ?? 0;
  // A function can be called above its declaration, an assigned one only below.
  const functions: string[] = [];
  const rest: string[] = [];
  let end = imports;
  for (const statement of body) {
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
      // The sign is for functions only. The bundler has replaced `this`, so that one does as well.
      rest.push(code.slice(end, body.start), `(function(${parameters})${code.slice(body.body.start, body.body.end)})`);
      end = body.end;
    }
  }
  return [code.slice(0, imports), ...functions, ...rest, code.slice(end)].join("");
}
