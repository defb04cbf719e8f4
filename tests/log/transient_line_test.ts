import assert from "node:assert/strict";
import xterm from "@xterm/headless";
import { TransientLine } from "../../lib/log/transient_line.ts";
import type { Io } from "../../lib/io.ts";

/** A terminal of some rows, and an `Io` that writes to it. */
class Terminal implements Disposable {
  width: number;
  /** Resolves when the terminal has taken everything. */
  taken: () => Promise<void> = () => Promise.resolve();
  readonly #screen: xterm.Terminal;
  readonly io: Io = {
    env: () => undefined,
    out: (text) => this.#write(text),
    err: (text) => this.#write(text),
    errWidth: () => this.width,
    flush: () => this.taken(),
  };
  written = "";

  constructor(width = 30) {
    this.width = width;
    this.#screen = new xterm.Terminal({ cols: width, rows: 5, allowProposedApi: true });
  }

  #write(text: string): void {
    this.io.beforeWriting?.();
    this.written += text;
    this.#screen.write(text.replaceAll("\n", "\r\n"));
  }

  resize(width: number): void {
    this.width = width;
    this.#screen.resize(width, 5);
  }

  async rows(): Promise<string> {
    await new Promise<void>((resolve) => this.#screen.write("", resolve));
    const { active } = this.#screen.buffer;
    return [0, 1, 2, 3, 4].map((row) => active.getLine(row)!.translateToString(true).trimEnd()).join("\n").trimEnd();
  }

  [Symbol.dispose](): void {
    this.#screen.dispose();
  }
}

Deno.test("each text replaces the one before completely", async () => {
  using terminal = new Terminal();
  const line = new TransientLine(terminal.io);
  line.show("a long text");
  await Promise.resolve();
  assert.equal(await terminal.rows(), "  a long text");
  line.show("short");
  assert.equal(await terminal.rows(), "  short");
  line.erase();
  assert.equal(await terminal.rows(), "");
  const { written } = terminal;
  line.erase();
  assert.equal(terminal.written, written);
});

Deno.test("other output replaces the line, on stdout and stderr, and the line is shown below it", async () => {
  using terminal = new Terminal();
  const line = new TransientLine(terminal.io);
  line.show("waiting for somebody");
  terminal.io.err("sera: an error\n");
  assert.equal(await terminal.rows(), "sera: an error");
  line.show("waiting");
  assert.equal(await terminal.rows(), "sera: an error\n  waiting");
  terminal.io.out("some output\n");
  assert.equal(await terminal.rows(), "sera: an error\nsome output");
});

Deno.test("after other programs' output the line is not erased", async () => {
  using terminal = new Terminal();
  const line = new TransientLine(terminal.io);
  line.show("waiting");
  line.leave();
  terminal.io.out("\nsome output");
  line.erase();
  assert.equal(await terminal.rows(), "  waiting\nsome output");
  assert.equal(terminal.io.beforeWriting, undefined);
});

Deno.test("after a narrower window wrapped the line, all its rows are erased, and none above", async () => {
  using terminal = new Terminal();
  terminal.io.out("above\n");
  const line = new TransientLine(terminal.io);
  line.show("waiting for somebody");
  assert.equal(await terminal.rows(), "above\n  waiting for somebody");
  terminal.resize(12);
  line.show("waiting");
  assert.equal(await terminal.rows(), "above\n  waiting");
  assert.ok(terminal.written.endsWith("\r\x1b[J  waiting\r"));
});

Deno.test("nothing more is written to a terminal that does not keep up", async () => {
  using terminal = new Terminal();
  const { promise, resolve } = Promise.withResolvers<void>();
  terminal.taken = () => promise;
  const line = new TransientLine(terminal.io);
  line.show("waiting; 3 s");
  line.show("waiting; 2 s");
  await Promise.resolve();
  line.show("waiting; 1 s");
  assert.equal(terminal.written.match(/waiting/g)!.length, 1);
  resolve();
  await promise;
  await Promise.resolve();
  line.show("waiting; 0 s");
  assert.equal(await terminal.rows(), "  waiting; 0 s");
});
