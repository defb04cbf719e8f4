import type { EtcdAddress } from "./address.ts";
import { Code, EtcdError } from "./errors.ts";
import { MalformedAnswerError, text } from "./json.ts";
import type { Member, Sending } from "./member.ts";
import { Path } from "./requests.ts";

/** What etcd says when a login is no longer valid: it expired, or members or users have changed. */
const ENDED = /auth token|revision of auth store|revision in header is old|user name is empty/;

/** What it answers to a login when authentication is off. */
const OPEN_TO_ALL = /authentication is not enabled/;

/** A login, which is valid at all members. It happens when it is first needed, and again when it is no longer valid. */
export class Login {
  readonly #address: Pick<EtcdAddress, "user" | "password">;
  #token: string | undefined;
  /** Whether etcd has said that authentication is off. etcd's own clients go on without a login then, too. */
  #isOpenToAll = false;

  constructor(address: Pick<EtcdAddress, "user" | "password">) {
    this.#address = address;
  }

  /** The token of the login; undefined if there is none. */
  get token(): string | undefined {
    return this.#token;
  }

  /**
   * Sends something with a login, if one is needed, and once more with a new one if that is no longer valid.
   *
   * @throws {EtcdError} Also when etcd refuses the login: a wrong password is not tried twice.
   */
  async use<T>(
    member: Member,
    sending: Omit<Sending, "token">,
    work: (sending: Sending) => Promise<T>,
  ): Promise<T> {
    const token = this.#token ?? await this.#logIn(member, sending);
    try {
      return await work({ ...sending, token });
    } catch (error) {
      if (!(error instanceof EtcdError) || !this.#mayHaveEnded(error, token)) throw error;
      this.#isOpenToAll = false;
      // Another request may have logged in meanwhile.
      const again = this.#token === token ? await this.#logIn(member, sending) : this.#token;
      // Without a token no login is needed any more, and only the old one was in the way.
      if (again === token) throw error;
      return await work({ ...sending, token: again });
    }
  }

  /** Some versions of etcd close the connection instead of saying that a login is invalid. */
  #mayHaveEnded({ code, words, closed }: EtcdError, token: string | undefined): boolean {
    if (this.#address.user === undefined) return false;
    return code === Code.unauthenticated || ENDED.test(words) || closed && token !== undefined;
  }

  /** @returns The token of a new login; undefined if no login is needed. */
  async #logIn(member: Member, sending: Omit<Sending, "token">): Promise<string | undefined> {
    const { user: name, password } = this.#address;
    if (name === undefined || password === undefined || this.#isOpenToAll) return undefined;
    try {
      const answer = await member.ask(Path.authenticate, { name, password }, { ...sending, token: undefined });
      const token = text(answer, "token");
      if (!/^[\x21-\x7e]+$/.test(token)) throw new MalformedAnswerError("no token");
      return this.#token = token;
    } catch (error) {
      if (!(error instanceof EtcdError && OPEN_TO_ALL.test(error.words))) throw error;
      this.#isOpenToAll = true;
      this.#token = undefined;
      return undefined;
    }
  }
}
