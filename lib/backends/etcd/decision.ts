/** A transaction that takes one of many ways: etcd decides which, and what it answers says it. */

import { readTxn, type TxnAnswer } from "./answers.ts";
import type { JsonObject } from "./json.ts";
import { step, txn } from "./requests.ts";

/** Where a way ends: what is done there, and what that means. */
export interface Leaf<T> {
  readonly is: T;
  readonly steps: readonly JsonObject[];
}

/** A fork. */
export interface Decision<T> {
  readonly when: readonly JsonObject[];
  /** The way if all these conditions hold. */
  readonly then: Decision<T> | Leaf<T>;
  readonly otherwise: Decision<T> | Leaf<T>;
}

/** The transaction for a decision. All conditions are looked at before anything is done. */
export function txnOf<T>({ when, then, otherwise }: Decision<T>): JsonObject {
  return txn(when, stepsOf(then), stepsOf(otherwise));
}

function stepsOf<T>(way: Decision<T> | Leaf<T>): readonly JsonObject[] {
  return "steps" in way ? way.steps : [step.txn(way.when, stepsOf(way.then), stepsOf(way.otherwise))];
}

/** Which way was taken: what it means, the answers to its steps, and in which revision that was. */
export function takenWay<T>(
  decision: Decision<T>,
  json: JsonObject,
): { readonly is: T; readonly answer: TxnAnswer; readonly revision: bigint } {
  let answer = readTxn(json);
  const { revision } = answer;
  for (let at = decision;;) {
    const way = answer.succeeded ? at.then : at.otherwise;
    if ("steps" in way) return { is: way.is, answer, revision };
    answer = answer.txn(0);
    at = way;
  }
}
