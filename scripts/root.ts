import { resolve } from "node:path";

/** The checkout's folder, an absolute path. */
export const ROOT: string = resolve(import.meta.dirname!, "..");
