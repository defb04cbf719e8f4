/**
 * What the expressions that messages are made of can be, as far as the sources tell. An expression is evaluated once for
 * each way that its conditions, its callers and the functions it calls can decide, so that a message meets its own cure.
 */

import type { AnyNode, CallExpression, Expression } from "acorn";
import { Calls, nameOf } from "./calls.ts";
import { type FunctionNode, isFunction, type Meaning, meaningOf, nodesIn, type Place, type Source } from "./sources.ts";

/** What stands for anything that only a run knows. */
export const HOLE = "…";

/** A text with holes, an object or an array with such values, or nothing. Unused parts are not evaluated. */
type Value = string | Fields | undefined;

type Fields = ReadonlyMap<string, () => Value>;

/** How many ways to try for an expression. */
const MAX_WAYS = 400;
/** How deep nested calls are followed. */
const MAX_DEPTH = 40;

/** Where functions make words out of values: what these return is a hole. */
const FORMATTERS =
  /^lib\/(text\/|errors\.ts|io\.ts|who\/|system\/(?!limits))|\/(address|address_text|server_words|ident)\.ts$/;

/** Decides between ways, the same way in each place; then the next one. */
class Ways {
  readonly #chosen = new Map<unknown, { at: number; of: number }>();

  /** Which of several ways to go. */
  choose(key: unknown, of: number): number {
    const known = this.#chosen.get(key);
    if (known) return Math.min(known.at, of - 1);
    this.#chosen.set(key, { at: 0, of });
    return 0;
  }

  /** Turns to the next ways; false if there are none. */
  next(): boolean {
    for (const [key, way] of [...this.#chosen].toReversed()) {
      if (way.at + 1 < way.of) {
        way.at++;
        return true;
      }
      this.#chosen.delete(key);
    }
    return false;
  }
}

type Call = ReadonlyMap<FunctionNode, readonly (() => Value)[]>;

/** Finds the values of expressions. */
export class Evaluator {
  /** Expressions that have more values than were looked at. */
  readonly tooMany: Place[] = [];
  readonly #callers = new Map<FunctionNode, readonly Place<CallExpression>[]>();
  readonly #returns = new Map<FunctionNode, readonly (Expression | null | undefined)[]>();
  #ways = new Ways();
  #depth = 0;

  readonly #calls: Calls;

  constructor(readonly sources: ReadonlyMap<string, Source>) {
    this.#calls = new Calls(sources);
  }

  /**
   * The texts that expressions of one place have together.
   *
   * @param field What to take of an object.
   */
  together(
    source: Source,
    parts: readonly (readonly [node: AnyNode | undefined, field: string])[],
  ): readonly (readonly string[])[] {
    this.#ways = new Ways();
    const found = new Map<string, readonly string[]>();
    for (let ways = 0; ways < MAX_WAYS; ways++) {
      const texts = parts.map(([node, field]) => {
        const value = node && this.#value({ source, node }, new Map());
        return textOf(typeof value === "object" ? memberOf(value, field) : value);
      });
      found.set(texts.join("\0"), texts);
      if (!this.#ways.next()) return [...found.values()];
    }
    this.tooMany.push({ source, node: parts[0]![0]! });
    return [...found.values()];
  }

  #value(place: Place, call: Call): Value {
    if (this.#depth >= MAX_DEPTH) return HOLE;
    this.#depth++;
    try {
      return this.#valueOf(place, call);
    } finally {
      this.#depth--;
    }
  }

  #valueOf({ source, node }: Place, call: Call): Value {
    const of = (node: AnyNode) => this.#value({ source, node }, call);
    switch (node.type) {
      case "Literal":
        return typeof node.value === "string" ? node.value : node.value === null ? HOLE : String(node.value);
      case "TemplateLiteral":
        return node.quasis.map(({ value }, index) => {
          const hole = node.expressions[index];
          return value.cooked! +
            (hole === undefined ? "" : isSmall(hole) ? HOLE : this.#part({ source, node: hole }, call));
        }).join("");
      case "BinaryExpression":
        return node.operator === "+" && !isNumber(node.right)
          ? this.#part({ source, node: node.left }, call) + this.#part({ source, node: node.right }, call)
          : HOLE;
      case "ConditionalExpression": {
        const key = `${source.path} ${source.code.slice(node.test.start, node.test.end)}`;
        return of(this.#ways.choose(key, 2) === 0 ? node.consequent : node.alternate);
      }
      case "LogicalExpression": {
        if (node.operator === "&&") return of(node.right);
        const left = of(node.left);
        if (left === undefined) return of(node.right);
        return left === HOLE && this.#ways.choose(node, 2) === 1 ? of(node.right) : left;
      }
      case "AwaitExpression":
        return of(node.argument);
      case "ParenthesizedExpression":
      case "ChainExpression":
        return of(node.expression);
      case "ObjectExpression": {
        const fields = new Map<string, () => Value>();
        for (const property of node.properties) {
          if (property.type === "SpreadElement") {
            const value = of(property.argument);
            if (typeof value === "object") { for (const [key, get] of value) fields.set(key, get); }
          } else if (nameOf(property.key) !== undefined) fields.set(nameOf(property.key)!, () => of(property.value));
        }
        return fields;
      }
      case "ArrayExpression":
        return new Map(
          node.elements.map((element, index) => [String(index), () => element ? of(element) : undefined]),
        );
      case "ArrowFunctionExpression":
        return this.#returned({ source, node }, call);
      case "NewExpression":
        return errorOf(node.arguments.map((node) => () => of(node)));
      case "Identifier": {
        if (node.name === "undefined") return undefined;
        const meaning = meaningOf({ source, node }, this.sources);
        return meaning ? this.#meant(meaning, call) : HOLE;
      }
      case "MemberExpression":
        return node.computed ? HOLE : memberOf(of(node.object), nameOf(node.property) ?? "");
      case "CallExpression":
        return this.#called({ source, node }, call);
      case "UnaryExpression":
        return node.operator === "void" ? undefined : HOLE;
      default:
        return HOLE;
    }
  }

  /** A part of a text. A single word that is no constant is one of many, and as good as a hole. */
  #part(place: Place, call: Call): string {
    const value = this.#value(place, call);
    if (typeof value !== "string") return HOLE;
    return /\s|^$/.test(value) || isConstant(place, this.sources) ? value : HOLE;
  }

  #meant(meaning: Meaning, call: Call): Value {
    switch (meaning.kind) {
      case "value":
        return isFunction(meaning.place.node) || meaning.place.node.type === "ClassDeclaration"
          ? HOLE
          : this.#value(meaning.place, call);
      case "member":
        return memberOf(this.#meant(meaning.of, call), meaning.key);
      case "default": {
        const value = this.#meant(meaning.of, call);
        return value === undefined ? this.#value(meaning.otherwise, call) : value;
      }
      case "parameter": {
        const given = call.get(meaning.of.node);
        if (given) return given[meaning.index]?.();
        const callers = this.#callersOf(meaning.of);
        if (callers.length === 0) return HOLE;
        const { source, node } = callers[this.#ways.choose(meaning.of.node, callers.length)]!;
        const argument = node.arguments[meaning.index];
        // Whatever else called it on the way may have called it from elsewhere: so the caller's own callers decide anew.
        return argument && this.#value({ source, node: argument }, new Map());
      }
    }
  }

  #called({ source, node }: Place<CallExpression>, call: Call): Value {
    const given = node.arguments.map((node) => () => this.#value({ source, node }, call));
    if (node.callee.type === "Identifier" && node.callee.name === "lineOf") {
      return textOf(memberOf(given[0]?.(), "what"));
    }
    const called = this.#functionOf({ source, node });
    if (!called || FORMATTERS.test(called.source.path) || called.node.async || call.has(called.node)) return HOLE;
    return this.#returned(called, new Map([...call, [called.node, given]]));
  }

  #functionOf({ source, node: { callee } }: Place<CallExpression>): Place<FunctionNode> | undefined {
    if (callee.type === "MemberExpression") return this.#calls.method(source, nameOf(callee.property) ?? "");
    const meaning = callee.type === "Identifier" ? meaningOf({ source, node: callee }, this.sources) : undefined;
    return meaning?.kind === "value" && isFunction(meaning.place.node)
      ? { source: meaning.place.source, node: meaning.place.node }
      : undefined;
  }

  #returned({ source, node }: Place<FunctionNode>, call: Call): Value {
    if (node.type === "ArrowFunctionExpression" && node.expression) {
      return this.#value({ source, node: node.body }, call);
    }
    const returns = this.#returnsOf(node);
    if (returns.length === 0) return HOLE;
    const chosen = returns[this.#ways.choose(node.body, returns.length)];
    return chosen ? this.#value({ source, node: chosen }, call) : undefined;
  }

  #returnsOf(node: FunctionNode): readonly (Expression | null | undefined)[] {
    const known = this.#returns.get(node);
    if (known) return known;
    const found = [...nodesIn(node.body, (at) => at === node.body || !isFunction(at))].flatMap((at) =>
      at.type === "ReturnStatement" ? [at.argument] : []
    );
    this.#returns.set(node, found);
    return found;
  }

  #callersOf(place: Place<FunctionNode>): readonly Place<CallExpression>[] {
    const known = this.#callers.get(place.node);
    if (known) return known;
    const found = this.#calls.of(place);
    this.#callers.set(place.node, found);
    return found;
  }
}

function textOf(value: Value): string {
  return typeof value === "object" ? HOLE : value ?? "";
}

function isNumber(node: AnyNode): boolean {
  return node.type === "Literal" && typeof node.value === "number";
}

/** Whether an expression makes less than a few words of a sentence, such as a plural. */
function isSmall(node: AnyNode): boolean {
  if (node.type !== "ConditionalExpression") return false;
  return [node.consequent, node.alternate].every((part) =>
    part.type === "Literal" ? !/\S\s+\S/.test(String(part.value)) : isSmall(part)
  );
}

/** Whether an expression is made of literals and of constants of its file. */
function isConstant({ source, node }: Place, sources: ReadonlyMap<string, Source>): boolean {
  if (node.type === "Literal" || node.type === "TemplateLiteral" || node.type === "BinaryExpression") return true;
  if (node.type === "ConditionalExpression") {
    return [node.consequent, node.alternate].every((node) => isConstant({ source, node }, sources));
  }
  if (node.type !== "Identifier") return false;
  const meaning = meaningOf({ source, node }, sources);
  return meaning?.kind === "value" && meaning.place.node.type === "Literal";
}

function memberOf(value: Value, key: string): Value {
  if (typeof value === "object") return value.get(key)?.();
  return value === undefined ? undefined : HOLE;
}

/** An error that is made of these arguments. */
function errorOf([first = () => undefined, cure = () => undefined]: readonly (() => Value)[]): Value {
  const member = (key: string, otherwise: () => Value) => () => {
    const value = first();
    return typeof value === "object" ? memberOf(value, key) : otherwise();
  };
  return new Map([["what", member("what", first)], ["message", member("what", first)], ["cure", member("cure", cure)]]);
}
