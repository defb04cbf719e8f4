/** Which function a call calls, as far as names tell. */

import type { AnyNode, CallExpression } from "acorn";
import { type FunctionNode, meaningOf, nodesIn, type Place, type Source } from "./sources.ts";

const BUILT_IN = [Array, Map, Set, Promise, String, Date].map(({ prototype }) => prototype as object);

/** Where functions are called, and methods are made. */
export class Calls {
  readonly #byName = new Map<string, Place<CallExpression>[]>();
  readonly #methods = new Map<string, Place<FunctionNode>[]>();

  constructor(readonly sources: ReadonlyMap<string, Source>) {
    for (const source of sources.values()) {
      for (const node of nodesIn(source.program)) {
        if (node.type === "MethodDefinition" && node.kind === "method") {
          const name = nameOf(node.key) ?? "";
          this.#methods.set(name, [...this.#methods.get(name) ?? [], { source, node: node.value }]);
        }
        if (node.type !== "CallExpression") continue;
        const { callee } = node;
        const name = nameOf(callee.type === "MemberExpression" ? callee.property : callee);
        if (name === undefined) continue;
        const calls = this.#byName.get(name) ?? [];
        calls.push({ source, node });
        this.#byName.set(name, calls);
      }
    }
  }

  /** Where a function is called by its name: in its own file and in those that import it; a method in its own file. */
  of({ source, node }: Place<FunctionNode>): readonly Place<CallExpression>[] {
    const parent = source.parents.get(node);
    if (parent?.type === "MethodDefinition" && parent.kind === "method") {
      return this.#named(nameOf(parent.key)).filter(({ source: from, node: { callee } }) =>
        from === source && callee.type === "MemberExpression"
      );
    }
    const named = node.type === "FunctionDeclaration" ? node.id : parent?.type === "VariableDeclarator" && parent.id;
    if (!named || named.type !== "Identifier") return [];
    return this.#named(named.name).filter(({ source: from, node: { callee } }) => {
      if (callee.type !== "Identifier") return false;
      const meaning = meaningOf({ source: from, node: callee }, this.sources);
      return meaning?.kind === "value" && meaning.place.node === node;
    });
  }

  /** The method of a name, if it cannot be another one: of the same file, or the only one. */
  method(from: Source, name: string): Place<FunctionNode> | undefined {
    const all = this.#methods.get(name) ?? [];
    const own = all.filter(({ source }) => source === from);
    if (own.length === 1) return own[0];
    return all.length === 1 && !BUILT_IN.some((prototype) => name in prototype) ? all[0] : undefined;
  }

  #named(name: string | undefined): readonly Place<CallExpression>[] {
    return name === undefined ? [] : this.#byName.get(name) ?? [];
  }
}

/** The name of an identifier, or of a property in quotes. */
export function nameOf(node: AnyNode): string | undefined {
  if (node.type === "Identifier" || node.type === "PrivateIdentifier") return node.name;
  return node.type === "Literal" ? String(node.value) : undefined;
}
