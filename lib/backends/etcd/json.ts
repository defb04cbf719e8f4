/**
 * Reads and writes etcd's JSON. Input is not trusted: each value is checked to be of the requested type. JSON leaves out
 * values that are their type's default, so an absent one is 0, false or empty. Numbers of 64 bits are strings, and are never
 * converted to a JavaScript number, which could not hold them.
 */

import { LockUnavailableError } from "../../errors.ts";

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  readonly [name: string]: Json;
}

/** An answer that etcd cannot have sent. Not transient: the same request would get the same answer. */
export class MalformedAnswerError extends LockUnavailableError {
  /** @param what What is wrong, never its content. */
  constructor(what: string) {
    const why = `the server's answer is invalid (${what})`;
    super(`Cannot lock on etcd: ${why}`, "connect directly to etcd, and see its log", { why });
  }
}

/** The numbers that 64 bits can hold, with a sign and without, in the one way in which each is written. */
const MIN_INT64 = -(2n ** 63n);
const MAX_UINT64 = 2n ** 64n - 1n;
const DIGITS = /^(?:0|-?[1-9][0-9]{0,19})$/;

/**
 * Parses a JSON object.
 *
 * @throws {MalformedAnswerError} When it is not one.
 */
export function parseJson(text: string): JsonObject {
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new MalformedAnswerError("no JSON");
    throw error;
  }
  return asObject(value, "it");
}

/** A value of an object; undefined if it is absent. Never an inherited one. */
export function field(json: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(json, name) ? json[name] : undefined;
}

/**
 * An object in an object; an empty one if it is absent.
 *
 * @throws {MalformedAnswerError} When it is something else.
 */
export function object(json: JsonObject, name: string): JsonObject {
  return asObject(field(json, name) ?? {}, name);
}

/**
 * A list of objects; an empty one if it is absent.
 *
 * @throws {MalformedAnswerError} When it is something else.
 */
export function objects(json: JsonObject, name: string): readonly JsonObject[] {
  const value = field(json, name) ?? [];
  if (!isList(value)) throw wrong(name);
  return value.map((item) => asObject(item, name));
}

/**
 * A whole number of 64 bits, with or without sign; 0 if it is absent.
 *
 * @throws {MalformedAnswerError} When it is something else: also for a JSON number, which may have been rounded.
 */
export function int64(json: JsonObject, name: string): bigint {
  const value = field(json, name);
  if (value === undefined) return 0n;
  if (typeof value !== "string" || !DIGITS.test(value)) throw wrong(name);
  const number = BigInt(value);
  if (number < MIN_INT64 || number > MAX_UINT64) throw wrong(name);
  return number;
}

/**
 * A boolean; false if it is absent.
 *
 * @throws {MalformedAnswerError} When it is something else.
 */
export function truth(json: JsonObject, name: string): boolean {
  const value = field(json, name) ?? false;
  if (typeof value !== "boolean") throw wrong(name);
  return value;
}

/**
 * A string; an empty one if it is absent.
 *
 * @throws {MalformedAnswerError} When it is something else.
 */
export function text(json: JsonObject, name: string): string {
  const value = field(json, name) ?? "";
  if (typeof value !== "string") throw wrong(name);
  return value;
}

/**
 * Bytes, as keys and values are; none if it is absent.
 *
 * @throws {MalformedAnswerError} When it is something else.
 */
export function bytes(json: JsonObject, name: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(text(json, name));
  } catch (error) {
    if (error instanceof SyntaxError) throw wrong(name);
    throw error;
  }
}

/**
 * Bytes that are a text in UTF-8.
 *
 * @returns Undefined if they are not: others may write keys and values, too.
 * @throws {MalformedAnswerError} When it is not bytes.
 */
export function utf8(json: JsonObject, name: string): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes(json, name));
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** A text or bytes as etcd takes keys and values. */
export function base64(value: string | Uint8Array): string {
  return (typeof value === "string" ? new TextEncoder().encode(value) : value).toBase64();
}

function asObject(value: Json, name: string): JsonObject {
  if (typeof value !== "object" || value === null || isList(value)) throw wrong(name);
  return value;
}

/** Like `Array.isArray`, whose type does not cover read-only arrays. */
function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function wrong(name: string): MalformedAnswerError {
  return new MalformedAnswerError(`a wrong value of ${name}`);
}
