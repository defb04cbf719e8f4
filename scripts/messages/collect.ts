/** Finds the messages in the sources: errors, the reasons that others give for them, tables of cures, and log lines. */

import type { AnyNode, BlockStatement, CallExpression, ClassDeclaration, Expression, SpreadElement } from "acorn";
import { isFunction, meaningOf, nodesIn, type Place, type Source } from "./sources.ts";
import { Evaluator, HOLE } from "./values.ts";

/** A message of sera's. */
export interface Message {
  /** The text with holes. */
  readonly what: string;
  readonly cure: string | undefined;
  /** The file that it is in. */
  readonly path: string;
  /** Where it stands there; messages of one place are wordings of one. */
  readonly at: number;
  /**
   * What it is: an error's class, the level of a log line, `server` for a server's words, `reason` for a part of an error,
   * `setting` for an error whose class depends on where a setting is from.
   */
  readonly by: string;
  /** The name of the exit code, if the class of the error has one. */
  readonly exit: string | undefined;
}

/** The names of tables of cures. */
const TABLES = /^(\w+_)?(CURES|MEANINGS)$/;

/** The keys of an object that is a reason: required and optional ones. */
const TEXTS = ["what", "why", "found"];
const OTHERS = ["cure", "status", "check", "local", "figures", "holds"];

/** Properties with a line, or a part of one, that is shown next to a finding. */
const NOTES = ["note", "hidden", "elsewhere", "unsuitable"];

/** Nodes that are examined separately. */
const MADE = ["NewExpression", "ObjectExpression"];

/** If a sentence has more wordings than this, its parts are listed instead. */
const MAX_WORDINGS = 8;

/** Errors whose text is never shown. */
const INTERNAL = ["HandshakeError", "RefusedStartError"];

/** All messages of the sources. */
export function messagesIn(sources: ReadonlyMap<string, Source>): readonly Message[] {
  const evaluator = new Evaluator(sources);
  return [...sources.values()].flatMap((source) =>
    [...nodesIn(source.program)].flatMap((node) => {
      switch (node.type) {
        case "NewExpression":
          return errorIn({ source, node: node.callee }, node.arguments, evaluator);
        case "CallExpression":
          return node.callee.type === "Super"
            ? errorIn({ source, node }, node.arguments, evaluator)
            : lineIn({ source, node }, evaluator);
        case "ObjectExpression":
          return reasonIn({ source, node }, evaluator);
        case "FunctionDeclaration":
          return /^(why|what|explain)[A-Z]|Reason$/.test(node.id?.name ?? "")
            ? returnsOf(node).flatMap((text) => messages({ source, node: text }, [text], "reason", evaluator)).filter(
              isSentence,
            )
            : [];
        case "Property":
          return node.key.type === "Identifier" && NOTES.includes(node.key.name) && node.value.type !== "Literal"
            ? messages({ source, node }, [node.value], "note", evaluator)
            : [];
        case "VariableDeclarator":
          return node.id.type === "Identifier" && node.init && TABLES.test(node.id.name)
            ? curesIn({ source, node: node.init }, evaluator)
            : [];
        default:
          return [];
      }
    })
  );
}

/** The messages of an error that is made here, by `new` or by the constructor of a class above it. */
function errorIn(
  { source, node }: Place,
  [what, cure]: readonly (Expression | SpreadElement)[],
  evaluator: Evaluator,
): Message[] {
  const found = node.type === "Identifier" ? classOf({ source, node }, evaluator) : classAround({ source, node });
  // One that takes its class from a setting: a flag is an argument, all else is configuration.
  if (found === undefined) {
    return node.type === "Identifier" && node.name === "error"
      ? messages({ source, node }, [what, cure], "setting", evaluator)
      : [];
  }
  const classes = [...ancestorsOf(found, evaluator)];
  const name = found.node.id.name;
  if (!classes.some(({ parent }) => parent === "Error") || INTERNAL.includes(name)) return [];
  // A class's own words around its arguments are found in its constructor.
  if (node.type === "Identifier" && hasWords(found.node)) return [];
  const exit = classes.map(({ exit }) => exit).find((exit) => exit !== undefined);
  return messages({ source, node }, [what, cure], name, evaluator, exit);
}

/** A log line, or another line beside the errors. */
function lineIn({ source, node }: Place<CallExpression>, evaluator: Evaluator): Message[] {
  const { callee, arguments: given } = node;
  const name = callee.type === "MemberExpression" ? callee.property : callee;
  if (name.type !== "Identifier") return [];
  const first = { log: 0, tryLog: 1 }[name.name];
  if (first !== undefined && given.length > first + 2) {
    const ways = evaluator.together(source, [[given[first], ""], [given[first + 2], "what"]]);
    return ways.flatMap(([level, text]) => messageOf({ source, node }, text!, "", level!));
  }
  if (name.name === "announce" && given[0]?.type === "Literal") {
    return messages({ source, node }, [given[1]], "info", evaluator);
  }
  return /^(note|onGone)$/.test(name.name) ? messages({ source, node }, [given[0]], "note", evaluator) : [];
}

/** The reason for an error, and its cure: `{ what: "…", cure: "…" }`. */
function reasonIn({ source, node }: Place, evaluator: Evaluator): Message[] {
  if (node.type !== "ObjectExpression") return [];
  const fields = new Map(
    node.properties.flatMap((property) =>
      property.type === "Property" && property.key.type === "Identifier" ? [[property.key.name, property.value]] : []
    ),
  );
  const key = TEXTS.find((key) => fields.has(key));
  if (key === undefined || ![...fields.keys()].every((other) => other === key || OTHERS.includes(other))) return [];
  const all = messages({ source, node }, [fields.get(key), fields.get("cure")], "reason", evaluator);
  // A check's finding without a cure is not a problem.
  return key === "found" ? all.filter(({ cure }) => cure !== undefined) : all;
}

/** The results of a function that returns a reason. */
function returnsOf(node: { readonly body: BlockStatement }): AnyNode[] {
  return [...nodesIn(node.body, (at) => at === node.body || !isFunction(at))].flatMap((at) =>
    at.type === "ReturnStatement" && at.argument && !MADE.includes(at.argument.type) ? [at.argument] : []
  );
}

/** The messages of a table of cures: by a number or a code; or by words of the server's. */
function curesIn({ source, node: table }: Place, evaluator: Evaluator): Message[] {
  const rows: readonly (readonly (AnyNode | null | undefined)[])[] = table.type === "ObjectExpression"
    ? table.properties.flatMap((property) => property.type === "Property" ? [[property.key, property.value]] : [])
    : table.type === "ArrayExpression"
    ? table.elements.flatMap((row) => row?.type === "ArrayExpression" ? [row.elements] : [])
    : [];
  return rows.flatMap((row) => {
    const [words, cure] = [row[0], row.at(-1)];
    if (!words || !cure || cure.type === "ObjectExpression") return [];
    const ways = evaluator.together(source, [[row.length > 2 ? row[1]! : undefined, ""], [cure, ""]]);
    return ways.filter(([, cure]) => cure !== "" && cure !== HOLE).flatMap(([what, cure]) =>
      (what ? [what] : wordsOf(words, source)).flatMap((text) =>
        messageOf({ source, node: words }, text, cure!, "server")
      )
    );
  });
}

/** The key of a row in a table of cures: a number, a code, or a server's words. */
function wordsOf(node: AnyNode, { code }: Source): string[] {
  const text = code.slice(node.start, node.end);
  if (/^"?\w{5}"?$|^\d+$/.test(text)) return [`error ${text.replaceAll('"', "")}`];
  const words = text.replace(/^["'/]\^?|["']$|\/\w*$/g, "").replaceAll(/\([^)]*\)|\\b/g, HOLE).replaceAll("\\", "");
  return words.split("|").map((part) => `${HOLE}${part}${HOLE}`);
}

function messages(
  place: Place,
  [what, cure]: readonly (AnyNode | undefined)[],
  by: string,
  evaluator: Evaluator,
  exit?: string,
): Message[] {
  // What follows a whole reason, `{ what, cure }`, is no cure.
  const advice = what?.type === "ObjectExpression" || cure?.type === "Literal" && typeof cure.value !== "string"
    ? undefined
    : cure;
  const of = (what: AnyNode | undefined) =>
    evaluator.together(place.source, [[what, "what"], [advice ?? what, "cure"]]).flatMap(([text, found]) =>
      // What has a text only has no cure.
      messageOf(place, text!, advice === undefined && found === text ? "" : found!, by, exit)
    );
  const all = of(what);
  const [wordings, cures] = [new Set(all.map(({ what }) => what)), new Set(all.flatMap(({ cure }) => cure ?? []))];
  if (what?.type !== "TemplateLiteral" || wordings.size <= MAX_WORDINGS || cures.size > 2) return all;
  const whole = messageOf(place, what.quasis.map(({ value }) => value.cooked).join(HOLE), "", by, exit)
    .flatMap((message) => [undefined, ...cures].map((cure) => ({ ...message, cure })));
  const parts = what.expressions.flatMap((node) => messages({ ...place, node }, [node], "reason", evaluator, exit));
  return [...whole, ...parts.filter(({ what }) => /\S+\s+\S+\s+\S/.test(what))];
}

function messageOf({ source, node }: Place, what: string, cure: string, by: string, exit?: string): Message[] {
  const [text, advice] = [tidy(what), tidy(cure)];
  // An error that is passed on has no text of its own.
  if (!/\p{L}{2}.*\p{L}{2}/u.test(text.replaceAll(HOLE, ""))) return [];
  return [{
    what: text,
    cure: advice === "" || advice === HOLE ? undefined : advice,
    path: source.path,
    at: node.start,
    by,
    exit,
  }];
}

/** Whether a part of a message says something by itself. */
function isSentence({ what }: Message): boolean {
  return what.split(/\s+/).filter((word) => /\p{L}/u.test(word)).length > 4;
}

function tidy(text: string): string {
  return text.replaceAll(/…(?:\s*…)+/g, HOLE).replace(/^[,;:\s]+/, "").trimEnd();
}

/** The class that a name stands for. */
function classOf({ source, node }: Place, { sources }: Evaluator): Place<ClassDeclaration> | undefined {
  const meaning = node.type === "Identifier" ? meaningOf({ source, node }, sources) : undefined;
  if (meaning?.kind !== "value" || meaning.place.node.type !== "ClassDeclaration") return undefined;
  return { source: meaning.place.source, node: meaning.place.node as ClassDeclaration };
}

function classAround({ source, node }: Place): Place<ClassDeclaration> | undefined {
  let at: AnyNode | undefined = node;
  while (at !== undefined && at.type !== "ClassDeclaration") at = source.parents.get(at);
  return at && { source, node: at as ClassDeclaration };
}

/** A class and those that it extends: the name of the next one, and the exit code that it has. */
function* ancestorsOf(
  { source, node }: Place<ClassDeclaration>,
  evaluator: Evaluator,
): Generator<{ readonly parent: string | undefined; readonly exit: string | undefined }> {
  const { superClass } = node;
  const exit =
    node.body.body.flatMap((member) =>
      member.type === "PropertyDefinition" && member.value?.type === "MemberExpression" &&
        member.value.object.type === "Identifier" && member.value.object.name === "ExitCode" &&
        member.value.property.type === "Identifier"
        ? [member.value.property.name]
        : []
    )[0];
  yield { parent: superClass?.type === "Identifier" ? superClass.name : undefined, exit };
  const above = superClass && classOf({ source, node: superClass }, evaluator);
  if (above) yield* ancestorsOf(above, evaluator);
}

/** Whether the constructor of a class adds words to its arguments. */
function hasWords(node: ClassDeclaration): boolean {
  return [...nodesIn(node)].some((at) =>
    at.type === "CallExpression" && at.callee.type === "Super" && at.arguments[0]?.type === "TemplateLiteral"
  );
}
