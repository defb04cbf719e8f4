import type { LockOptions } from "../backend.ts";
import type { Comer, Line } from "./line.ts";
import { Queue } from "./queue.ts";

/**
 * The queue for a lock with its slots and the other locks that are held together with it, for one session.
 *
 * @param comer The session, and the main lock.
 */
export async function lineOf(comer: Comer, { slots, also }: Pick<LockOptions, "slots" | "also">): Promise<Line> {
  const main = slots === undefined ? new Queue(comer) : new (await import("./slot_queue.ts")).SlotQueue(comer, slots);
  if (!also || also.length === 0) return main;
  const { SeveralLines } = await import("./several_lines.ts");
  return SeveralLines.of(comer, main, also);
}
