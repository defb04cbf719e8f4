/** A transaction with nested conditions: etcd decides which branch to execute, and its answer shows which one it was. */

import { readTxn, type TxnAnswer } from "./answers.ts";
import type { JsonObject } from "./json.ts";
import { step, txn } from "./requests.ts";

/** A leaf of the decision tree: what is done there, and what reaching it means. */
export interface Leaf<T> {
  readonly is: T;
  readonly steps: readonly JsonObject[];
}

/** An inner node of the decision tree. */
export interface Decision<T> {
  readonly when: readonly JsonObject[];
  /** The branch to take if all conditions are met. */
  readonly then: Decision<T> | Leaf<T>;
  readonly otherwise: Decision<T> | Leaf<T>;
}

/** The transaction for a decision. etcd evaluates all conditions before it changes anything. */
export function txnOf<T>({ when, then, otherwise }: Decision<T>): JsonObject {
  return txn(when, stepsOf(then), stepsOf(otherwise));
}

function stepsOf<T>(branch: Decision<T> | Leaf<T>): readonly JsonObject[] {
  return "steps" in branch ? branch.steps : [step.txn(branch.when, stepsOf(branch.then), stepsOf(branch.otherwise))];
}

/** The leaf that was reached: what it means, the answers to its steps, and the revision. */
export function branchTaken<T>(
  decision: Decision<T>,
  json: JsonObject,
): { readonly is: T; readonly answer: TxnAnswer; readonly revision: bigint } {
  let answer = readTxn(json);
  const { revision } = answer;
  for (let at = decision;;) {
    const branch = answer.succeeded ? at.then : at.otherwise;
    if ("steps" in branch) return { is: branch.is, answer, revision };
    answer = answer.txn(0);
    at = branch;
  }
}
