/** The program's sources as syntax trees, with the definitions of names. */

import type {
  AnyNode,
  ArrowFunctionExpression,
  FunctionDeclaration,
  FunctionExpression,
  Identifier,
  Program,
} from "acorn";
import { parse } from "acorn";
import { dirname, relative, resolve } from "node:path";
import { stop, transform } from "esbuild";
import { ROOT } from "../root.ts";

/** A file of the program. */
export interface Source {
  /** Its path from the checkout's root. */
  readonly path: string;
  /** Its text, without types. */
  readonly code: string;
  readonly program: Program;
  /** The node that each node stands in. */
  readonly parents: ReadonlyMap<AnyNode, AnyNode>;
}

/** A function, in whichever way it is written. */
export type FunctionNode = FunctionDeclaration | FunctionExpression | ArrowFunctionExpression;

/** A node and the file that it is in. */
export interface Place<N extends AnyNode = AnyNode> {
  readonly source: Source;
  readonly node: N;
}

/** A name's definition: a value, a part of one, a parameter of a function, or any of these with a default. */
export type Meaning =
  | { readonly kind: "value"; readonly place: Place }
  | { readonly kind: "member"; readonly of: Meaning; readonly key: string }
  | { readonly kind: "parameter"; readonly of: Place<FunctionNode>; readonly index: number }
  | { readonly kind: "default"; readonly of: Meaning; readonly otherwise: Place };

/** All sources below a folder, by their paths. */
export async function sourcesIn(folder: string): Promise<ReadonlyMap<string, Source>> {
  const paths = [...filesIn(folder)].toSorted();
  try {
    // Types are dropped; nothing else changes that messages are made of.
    const read = await Promise.all(paths.map(async (path) => {
      const { code } = await transform(await Deno.readTextFile(`${ROOT}/${path}`), {
        loader: "ts",
        target: "esnext",
        tsconfigRaw: {},
      });
      return sourceOf(path, code);
    }));
    return new Map(read.map((source) => [source.path, source]));
  } finally {
    await stop();
  }
}

/** A source from its text, in JavaScript. */
export function sourceOf(path: string, code: string): Source {
  const program = parse(code, { ecmaVersion: "latest", sourceType: "module" });
  const parents = new Map<AnyNode, AnyNode>();
  const look = (node: AnyNode) => {
    for (const child of childrenOf(node)) {
      parents.set(child, node);
      look(child);
    }
  };
  look(program);
  return { path, code, program, parents };
}

/** The nodes right below a node. */
export function childrenOf(node: AnyNode): readonly AnyNode[] {
  return Object.values(node).flat().filter((value): value is AnyNode =>
    typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"
  );
}

/** A node and its descendants; `enter` decides which nodes' children to visit. */
export function* nodesIn(node: AnyNode, enter: (node: AnyNode) => boolean = () => true): Generator<AnyNode> {
  yield node;
  if (enter(node)) { for (const child of childrenOf(node)) yield* nodesIn(child, enter); }
}

/** Whether a node is a function. */
export function isFunction(node: AnyNode | undefined): node is FunctionNode {
  return node !== undefined && /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type);
}

const KNOWN = new WeakMap<AnyNode, { readonly meaning: Meaning | undefined }>();

/** A name's definition where it is used; undefined if that is not in the sources. */
export function meaningOf(place: Place<Identifier>, sources: ReadonlyMap<string, Source>): Meaning | undefined {
  const known = KNOWN.get(place.node);
  if (known) return known.meaning;
  const meaning = findMeaning(place, sources);
  KNOWN.set(place.node, { meaning });
  return meaning;
}

function findMeaning({ source, node }: Place<Identifier>, sources: ReadonlyMap<string, Source>): Meaning | undefined {
  for (let at = source.parents.get(node); at !== undefined; at = source.parents.get(at)) {
    const found = isFunction(at)
      ? parameter({ source, node: at }, node.name)
      : at.type === "BlockStatement" || at.type === "Program"
      ? declared(source, at.body, node.name, sources)
      : undefined;
    if (found) return found;
  }
  return undefined;
}

function parameter(of: Place<FunctionNode>, name: string): Meaning | undefined {
  for (const [index, pattern] of of.node.params.entries()) {
    const found = inPattern(pattern, name, { kind: "parameter", of, index }, of.source);
    if (found) return found;
  }
  return undefined;
}

function declared(
  source: Source,
  body: readonly AnyNode[],
  name: string,
  sources: ReadonlyMap<string, Source>,
): Meaning | undefined {
  for (const statement of body) {
    const node = statement.type === "ExportNamedDeclaration" ? statement.declaration ?? statement : statement;
    if ((node.type === "FunctionDeclaration" || node.type === "ClassDeclaration") && node.id?.name === name) {
      return { kind: "value", place: { source, node } };
    }
    if (node.type === "VariableDeclaration") {
      for (const { id, init } of node.declarations) {
        const found = init && inPattern(id, name, { kind: "value", place: { source, node: init } }, source);
        if (found) return found;
      }
    }
    if (node.type === "ImportDeclaration") {
      for (const specifier of node.specifiers) {
        if (specifier.local.name !== name || specifier.type !== "ImportSpecifier") continue;
        const { imported } = specifier;
        const from = sources.get(relative(ROOT, resolve(ROOT, dirname(source.path), String(node.source.value))));
        return from && imported.type === "Identifier" ? exported(from, imported.name, sources) : undefined;
      }
    }
  }
  return undefined;
}

/** A file's export with a name. */
export function exported(source: Source, name: string, sources: ReadonlyMap<string, Source>): Meaning | undefined {
  return declared(source, source.program.body, name, sources);
}

/** Which part of a value a name in a pattern such as `{ what, cure = "…" }` gets. */
function inPattern(pattern: AnyNode, name: string, whole: Meaning, source: Source): Meaning | undefined {
  const member = (inner: AnyNode, key: string) => inPattern(inner, name, { kind: "member", of: whole, key }, source);
  switch (pattern.type) {
    case "Identifier":
      return pattern.name === name ? whole : undefined;
    case "AssignmentPattern": {
      const otherwise = { source, node: pattern.right };
      return inPattern(pattern.left, name, { kind: "default", of: whole, otherwise }, source);
    }
    case "ArrayPattern":
      return first(pattern.elements, (element, index) => element ? member(element, String(index)) : undefined);
    case "ObjectPattern":
      return first(
        pattern.properties,
        (property) =>
          property.type === "Property" && property.key.type === "Identifier"
            ? member(property.value, property.key.name)
            : undefined,
      );
    default:
      return undefined;
  }
}

function first<T, R>(items: readonly T[], find: (item: T, index: number) => R | undefined): R | undefined {
  for (const [index, item] of items.entries()) {
    const found = find(item, index);
    if (found !== undefined) return found;
  }
  return undefined;
}

function* filesIn(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(`${ROOT}/${folder}`)) {
    if (isDirectory) yield* filesIn(`${folder}/${name}`);
    else if (name.endsWith(".ts")) yield `${folder}/${name}`;
  }
}
