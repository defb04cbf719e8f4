import { Buffer } from "node:buffer";
import type { Connection, ConnectionOptions } from "mysql2";
import { TroubleError } from "../../errors.ts";
import type { MySqlDsn } from "./server.ts";

const NATIVE_REFUSED = "the server asks for mysql_native_password, which allowNativePasswords=false in the DSN forbids";

/** The server asks for a login method that the DSN forbids. */
export class LoginRefusedError extends TroubleError {}

/** The part of the driver's login used here. It is not public; tests against real servers would see it change. */
interface Handshake {
  readonly handshake: { readonly authPluginData1: Uint8Array; readonly authPluginName: string };
  calculateNativePasswordAuthToken(scramble: Uint8Array): Uint8Array;
}

/** Answers a server's authentication request; `data` is what came with it, if anything. */
type Plugin = (meta: { command: Handshake }) => (data: Uint8Array | undefined) => Uint8Array;

/** Answers to the authentication methods that the DSN allows or forbids. */
export function passwordPlugins(dsn: MySqlDsn): ConnectionOptions["authPlugins"] {
  const oldPassword: Plugin = ({ command }) => (data) => {
    if (!dsn.allowOldPasswords) {
      throw new LoginRefusedError(
        "the server asks for the password hash of MySQL versions before 4.1",
        "set the account's password again, or add allowOldPasswords=true",
      );
    }
    return oldPasswordAnswer(dsn.password, data?.length ? data : command.handshake.authPluginData1);
  };
  // Some servers name the method. Others send one byte and no name: the scramble is then the greeting's.
  const plugins: Record<string, Plugin> = { "mysql_old_password": oldPassword, "": oldPassword };
  if (!dsn.allowNativePasswords) {
    plugins["mysql_native_password"] = () => () => {
      throw new LoginRefusedError(NATIVE_REFUSED);
    };
  }
  return plugins as unknown as ConnectionOptions["authPlugins"];
}

/**
 * Keeps the driver from sending a mysql_native_password hash unasked, which it does whenever it cannot answer the
 * server's default method at once. Call it right after creating the connection.
 */
export function refuseNativePassword(connection: Connection): void {
  const login = (connection as unknown as { _command: Handshake })._command;
  login.calculateNativePasswordAuthToken = () => {
    if (login.handshake.authPluginName === "mysql_native_password") throw new LoginRefusedError(NATIVE_REFUSED);
    return Buffer.alloc(0);
  };
}

/** The modulus of the old random number generator. */
const OLD_MODULUS = 0x3fffffff;

/**
 * The answer for the password hash used before MySQL 4.1, which is insecure today.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_authentication_methods_old_password_authentication.html
 */
function oldPasswordAnswer(password: string, scramble: Uint8Array): Uint8Array {
  if (password === "") return Buffer.alloc(0);
  const challenge = scramble.subarray(0, 8);
  const [password1, password2] = oldHash(Buffer.from(password));
  const [challenge1, challenge2] = oldHash(challenge);
  let seed1 = (password1 ^ challenge1) % OLD_MODULUS;
  let seed2 = (password2 ^ challenge2) % OLD_MODULUS;
  const random = () => {
    seed1 = (seed1 * 3 + seed2) % OLD_MODULUS;
    seed2 = (seed1 + seed2 + 33) % OLD_MODULUS;
    return Math.floor((seed1 / OLD_MODULUS) * 31);
  };
  const answer = Buffer.alloc(challenge.length + 1);
  challenge.forEach((_, index) => answer[index] = random() + 64);
  const extra = random();
  challenge.forEach((_, index) => answer[index]! ^= extra);
  return answer;
}

function oldHash(bytes: Uint8Array): [number, number] {
  let first = 1345345333;
  let second = 0x12345671;
  let add = 7;
  for (const byte of bytes) {
    if (byte === 0x20 || byte === 0x09) continue;
    first ^= Math.imul((first & 63) + add, byte) + (first << 8);
    second = (second + ((second << 8) ^ first)) | 0;
    add = (add + byte) | 0;
  }
  return [first & 0x7fffffff, second & 0x7fffffff];
}
