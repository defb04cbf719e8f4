import assert from "node:assert/strict";
import { lineOf } from "../../../lib/errors.ts";
import { describeNetworkError, isTransientNetworkError } from "../../../lib/backends/network/errors.ts";

/** The messages for an error code, for a socket and a TCP address, and whether it is transient. */
const CODES: Readonly<Record<string, readonly [socket: RegExp, tcp: RegExp, transient: boolean]>> = {
  ECONNREFUSED: [/connection refused; /, /connection refused; /, true],
  EHOSTUNREACH: [/the host cannot be reached; /, /the host cannot be reached; /, true],
  ENETUNREACH: [/the network cannot be reached; /, /the network cannot be reached; /, true],
  EADDRNOTAVAIL: [/no local address or port is left/, /no local address or port is left/, true],
  EAGAIN: [/the queue of the socket is full; /, /the queue of the socket is full; /, true],
  EACCES: [/permission denied on the socket; /, /the system forbids it; /, false],
  EPERM: [/the system forbids it; /, /the system forbids it; /, false],
  EINVAL: [/the path or address is invalid; /, /the system forbids it; /, false],
  EAFNOSUPPORT: [/does not support this kind of address here; /, /does not support this kind of address here; /, false],
  ENAMETOOLONG: [/the socket's path is too long; /, /the socket's path is too long; /, false],
  EMFILE: [/too many open files; raise /, /too many open files; raise /, false],
  ENOMEM: [/no memory is left; raise /, /no memory is left; raise /, false],
};

for (const [code, [socket, tcp, transient]] of Object.entries(CODES)) {
  Deno.test(`${code} is reported with what to do`, () => {
    const error = Object.assign(new Error(`connect ${code} /secret`), { code });
    assert.match(lineOf(describeNetworkError(error)!), socket);
    assert.match(lineOf(describeNetworkError(Object.assign(error, { port: 5432 }))!), tcp);
    assert.match(lineOf(describeNetworkError({ errors: [error] })!), tcp);
    assert.equal(isTransientNetworkError(error), transient);
  });
}

Deno.test("an error about a socket that the runtime keeps is not shown in the runtime's words", () => {
  const said = describeNetworkError(new Deno.errors.NotCapable('Requires all access to "/dev/shm/s"'));
  assert.deepEqual(said, {
    what: "sera cannot open files in /dev, /proc or /sys",
    cure: "put the socket elsewhere, or use TCP",
  });
});

Deno.test("an error without a known meaning adds nothing", () => {
  assert.equal(describeNetworkError(new Error("x")), undefined);
  assert.equal(describeNetworkError(Object.assign(new Error("x"), { code: "EWHAT" })), undefined);
});
