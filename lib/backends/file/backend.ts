import { DsnError } from "../network/address_text.ts";
import type { Backend, BackendLock, LedgerPlace, LockOptions, Observer, Shown } from "../backend.ts";
import type { Report } from "../../doctor/report.ts";
import { presenceOf } from "../../lock/presence.ts";
import { lockFolder } from "./default_folder.ts";
import { FileLock } from "./lock.ts";
import { prepareLockFolder } from "./lock_folder.ts";

/** Locks of the operating system, on this machine only. */
export class FileBackend implements Backend {
  readonly kind = "file";
  readonly title = "a file: server";
  readonly notes = [];
  readonly offers = {
    namespaces: false,
    leases: false,
    severalServers: false,
    ledgerTable: false,
    tls: "none",
    expires: false,
    mayBeUnsafe: false,
  } as const;
  /** An absolute path; undefined for the default folder. */
  readonly folder: string | undefined;

  constructor(folder?: string) {
    this.folder = folder;
  }

  get identity(): string {
    return `file:${this.folder ?? ""}`;
  }

  shown(): Promise<Shown> {
    const { kind, folder } = this;
    return Promise.resolve({
      line: `files in ${folder ?? "the default folder"}`,
      view: folder === undefined ? { kind } : { kind, folder },
    });
  }

  // Async, so that an error of the folder becomes a rejection.
  // deno-lint-ignore require-await
  async lock(name: string, options: LockOptions): Promise<BackendLock> {
    const folder = prepareLockFolder(lockFolder(this.folder, options.env), this.folder === undefined);
    return new FileLock(folder, presenceOf(name, options), options);
  }

  async observe(_name: string, options: LockOptions): Promise<Observer> {
    const { FileObserver } = await import("./observer.ts");
    return new FileObserver(this.folder, options);
  }

  async check(report: Report, name: string, options: LockOptions): Promise<void> {
    const { checkFile } = await import("./checks.ts");
    await checkFile(report, this.folder, () => this.lock(name, options), name, options);
  }

  get ledger(): LedgerPlace {
    const { folder } = this;
    return {
      async load(_table, env, patience) {
        const [{ SqlLedger }, { loadFileStore }] = await Promise.all([
          import("../sql/ledger.ts"),
          import("./load_ledger.ts"),
        ]);
        const open = await loadFileStore(folder, env, patience);
        return () => Promise.resolve(new SqlLedger(open(), patience));
      },
      async check(_table, testRun, { env }) {
        const { checkFileLedger } = await import("./ledger_checks.ts");
        return await checkFileLedger(folder, env, testRun);
      },
    };
  }
}

/** Reads `file:` with an optional absolute path. */
export function parse(text: string): FileBackend {
  const folder = text.slice("file:".length);
  if (folder === "") return new FileBackend();
  const path = folder.startsWith("///") ? folder.slice("//".length) : folder;
  const absolute = Deno.build.os === "windows" ? /^[A-Za-z]:[\\/]/.test(path) : path.startsWith("/") && path[1] !== "/";
  if (absolute) return new FileBackend(path.length > 1 ? path.replace(/\/+$/, "") : path);
  throw new DsnError("file: takes an absolute path, such as file:/var/lib/sera, or none");
}
