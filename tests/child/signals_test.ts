/** How sera handles signals, with fake signals and a fake clock. */

import assert from "node:assert/strict";
import { ENDING } from "../../lib/child/signal_lists.ts";
import { SignalInfo } from "../../lib/child/signal_info.ts";
import { SignalRelay } from "../../lib/child/signals.ts";
import type { ShellStatus } from "../../lib/child/shell_status.ts";
import { InterruptedError } from "../../lib/errors.ts";
import { linux, testWith } from "../cli/needs.ts";
import { FakeClock } from "../lock/fake_clock.ts";
import { FakeSystem } from "./fake_system.ts";

/** A relay, and its actions. */
class Relayed implements Disposable {
  readonly system = new FakeSystem();
  readonly clock = new FakeClock();
  /** The helper shell's answer. */
  answer: ShellStatus | undefined = { ignored: 0, blocked: 0, fenced: false, got: [] };
  readonly relay = new SignalRelay(new SignalInfo(() => Promise.resolve(this.answer)));
  /** The signals that the command got. */
  readonly got: Deno.Signal[] = [];

  /** Sends signals to sera, and lets it deal with them. */
  async send(...signals: readonly Deno.Signal[]): Promise<void> {
    for (const signal of signals) this.system.send(signal);
    await this.clock.to(this.clock.now);
  }

  /** There is a command. */
  start(ownSession = true): void {
    this.relay.expect(ownSession);
    this.relay.passOnTo({ ownSession, signal: (signal) => void this.got.push(signal) });
  }

  /** The number of the signal that has interrupted the wait. */
  get interruptedBy(): number | undefined {
    const { aborted, reason } = this.relay.interrupted;
    if (!aborted) return undefined;
    assert.ok(reason instanceof InterruptedError);
    return reason.exitCode - 128;
  }

  [Symbol.dispose](): void {
    this.relay[Symbol.dispose]();
    assert.deepEqual(this.system.caught, []);
    this.clock[Symbol.dispose]();
    this.system[Symbol.dispose]();
  }
}

for (const [signal, number] of [["SIGHUP", 1], ["SIGINT", 2], ["SIGQUIT", 3], ["SIGTERM", 15]] as const) {
  Deno.test(`${signal} ends the wait`, async () => {
    using relayed = new Relayed();
    await relayed.send(signal);
    assert.equal(relayed.interruptedBy, number);
    assert.equal(relayed.relay.passedOn, undefined);
  });

  Deno.test(`${signal} does not end the wait of a sera that was started with it ignored`, async () => {
    using relayed = new Relayed();
    relayed.answer = { ignored: 1 << (number - 1), blocked: 0, fenced: false, got: [] };
    await relayed.send(signal);
    assert.equal(relayed.interruptedBy, undefined);
    relayed.start();
    await relayed.send(signal);
    assert.deepEqual(relayed.got, []);
    assert.equal(relayed.relay.passedOn, undefined);
  });

  Deno.test(`${signal} goes to the command while it runs, and the first signal is remembered`, async () => {
    using relayed = new Relayed();
    relayed.start();
    await relayed.send(signal, "SIGTERM", "SIGUSR1");
    assert.deepEqual(relayed.got, [signal, "SIGTERM", "SIGUSR1"]);
    assert.deepEqual([relayed.interruptedBy, relayed.relay.passedOn], [undefined, number]);
  });

  Deno.test(`${signal} ends the wait of a sera that only keeps its lock`, async () => {
    using relayed = new Relayed();
    relayed.start();
    assert.equal(relayed.relay.endPassingOn(), relayed.relay.interrupted);
    await relayed.send(signal);
    assert.deepEqual([relayed.got, relayed.interruptedBy], [[], number]);
  });
}

Deno.test("a signal that ends sera by default is not caught during the wait, unless all signals end the wait", async () => {
  using relayed = new Relayed();
  assert.deepEqual([...relayed.system.caught].sort(), [...ENDING, "SIGXFSZ"].sort());
  relayed.relay.endOnAnySignal();
  await relayed.send("SIGUSR1");
  assert.equal(relayed.interruptedBy, 10);
});

Deno.test("such a signal before the command's start neither ends the wait nor is lost", async () => {
  using relayed = new Relayed();
  relayed.relay.expect(true);
  relayed.system.send("SIGUSR1");
  relayed.relay.passOnTo({ ownSession: true, signal: (signal) => void relayed.got.push(signal) });
  await relayed.send();
  assert.deepEqual(relayed.got, ["SIGUSR1"]);
});

Deno.test("where all signals end the wait, harmless ones no longer end sera after the command's end", async () => {
  using relayed = new Relayed();
  relayed.relay.endOnAnySignal();
  relayed.start();
  relayed.relay.endPassingOn();
  await relayed.send("SIGUSR1");
  assert.equal(relayed.interruptedBy, undefined);
});

Deno.test("signals are handled in order, however long the shell takes to answer", async () => {
  using relayed = new Relayed();
  relayed.start(false);
  await relayed.send("SIGTERM", "SIGHUP", "SIGTERM");
  assert.deepEqual(relayed.got, ["SIGTERM", "SIGHUP", "SIGTERM"]);
});

Deno.test("a signal to the group is not passed on to a command in sera's group", async () => {
  using relayed = new Relayed();
  relayed.start(false);
  relayed.answer = { ignored: 0, blocked: 0, fenced: false, got: [15] };
  await relayed.send("SIGTERM");
  assert.deepEqual([relayed.got, relayed.relay.passedOn], [[], 15]);
  relayed.answer = { ignored: 0, blocked: 0, fenced: false, got: [] };
  await relayed.send("SIGHUP");
  assert.deepEqual(relayed.got, ["SIGHUP"]);
});

Deno.test("a signal to sera's group is passed on to a command in its own session", async () => {
  using relayed = new Relayed();
  relayed.start(true);
  relayed.answer = { ignored: 0, blocked: 0, fenced: false, got: [15] };
  await relayed.send("SIGTERM");
  assert.deepEqual(relayed.got, ["SIGTERM"]);
});

for (const signal of ["SIGTSTP", "SIGTTIN", "SIGTTOU"] as const) {
  testWith([linux], `${signal} stops a command that has a session of its own, and sera with it`, async () => {
    using relayed = new Relayed();
    relayed.start(true);
    await relayed.send(signal);
    assert.deepEqual([relayed.got, relayed.system.toItself], [["SIGSTOP"], ["SIGSTOP"]]);
  });
}

testWith(
  [linux],
  "the signal for a file that is too large is the command's once it cannot be for sera's own lines",
  async () => {
    using relayed = new Relayed();
    await relayed.send("SIGXFSZ");
    assert.equal(relayed.interruptedBy, undefined);
    relayed.start();
    await relayed.clock.to(49);
    await relayed.send("SIGXFSZ");
    assert.deepEqual(relayed.got, []);
    await relayed.clock.to(50);
    await relayed.send("SIGXFSZ");
    assert.deepEqual(relayed.got, ["SIGXFSZ"]);
  },
);
