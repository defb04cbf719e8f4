import assert from "node:assert/strict";
import { Output, type Stream } from "../../lib/system/output.ts";
import { within } from "../../lib/waiting.ts";

/** A stream whose reader reads only as much as the test allows. */
class Reader implements Stream {
  text = "";
  /** Bytes that it takes now; then it is full, as a pipe that is non-blocking says it. */
  room = Infinity;
  #open: () => void = () => undefined;
  #reads: Promise<void> = Promise.resolve();

  /** From now on a write waits, as that to a full pipe does. */
  stop(): void {
    this.#reads = new Promise((resolve) => this.#open = resolve);
  }

  goOn(): void {
    this.#open();
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.#reads;
    const taken = Math.min(this.room, bytes.length);
    if (taken === 0) throw new Deno.errors.WouldBlock();
    this.room -= taken;
    this.text += new TextDecoder().decode(bytes.subarray(0, taken));
    return taken;
  }
}

function twoOutputs() {
  const [first, second] = [new Reader(), new Reader()];
  return { first, second, one: new Output(first), other: new Output(second) };
}

Deno.test("texts are written in order, and completely", async () => {
  const { first, one, other } = twoOutputs();
  for (let i = 0; i < 100; i++) one.put(`${i}\n`, other);
  await one.written;
  assert.equal(first.text, Array.from({ length: 100 }, (_, i) => `${i}\n`).join(""));
});

Deno.test("a full pipe gets the rest as soon as there is room", async () => {
  const { first, one, other } = twoOutputs();
  first.room = 3;
  one.put("abcdef", other);
  await within(30, one.written);
  assert.equal(first.text, "abc");
  first.room = Infinity;
  await one.written;
  assert.equal(first.text, "abcdef");
});

Deno.test("a reader that does not read is not waited for longer than requested", async () => {
  const { first, one, other } = twoOutputs();
  first.stop();
  one.put("late\n", other);
  await within(10, one.written);
  assert.equal(first.text, "");
  first.goOn();
  await one.written;
  assert.equal(first.text, "late\n");
});

Deno.test("a text waits for earlier texts on the other stream", async () => {
  const { first, second, one, other } = twoOutputs();
  first.stop();
  one.put("first\n", other);
  other.put("second\n", one);
  await within(10, other.written);
  assert.equal(second.text, "");
  first.goOn();
  await Promise.all([one.written, other.written]);
  assert.deepEqual([first.text, second.text], ["first\n", "second\n"]);
});

Deno.test("a stuck reader of one stream does not block the other one", async () => {
  const { first, second, one, other } = twoOutputs();
  first.stop();
  one.put("stuck\n", other);
  other.put("told\n", one);
  await other.written;
  assert.deepEqual([first.text, second.text], ["", "told\n"]);
  first.goOn();
  await one.written;
});

Deno.test("if the reader has gone, the text is dropped", async () => {
  const gone: Stream = { write: () => Promise.reject(new Deno.errors.BrokenPipe()) };
  const one = new Output(gone);
  one.put("lost\n", new Output(new Reader()));
  await one.written;
});

Deno.test("for a stuck reader at most a thousand texts are buffered", async () => {
  const { first, one, other } = twoOutputs();
  first.stop();
  for (let i = 0; i < 5000; i++) one.put("x", other);
  first.goOn();
  await one.written;
  assert.equal(first.text.length, 1000);
  one.put("y", other);
  await one.written;
  assert.equal(first.text.length, 1001);
});
