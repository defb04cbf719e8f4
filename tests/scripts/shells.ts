/** Shells at a terminal, in which a test types command lines and presses the Tab key. */

import { COMPLETIONS } from "../../scripts/completions.ts";
import { tool } from "../cli/needs.ts";
import { Place } from "../cli/place.ts";
import type { Running } from "../cli/running.ts";
import { until } from "../cli/wait.ts";

const PROMPT = "go on> ";

/** The program that the shell runs as sera: it prints its arguments. */
const SERA = `printf '{'; printf '[%s]' "$@"; printf '}\\n'`;

/** A command of this name, and a word that its own completion knows. */
export const COMMAND = { name: "frobnicate", word: "thoroughly" };

/** How to start a shell that has sera's completion where it looks for such, and the one of the command. */
interface Shell {
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The files that it reads, by name. */
  readonly files: Readonly<Record<string, string>>;
}

const BASH: Shell = {
  words: ["bash", "--noprofile", "--rcfile", "bashrc", "-i"],
  files: { bashrc: `PS1='${PROMPT}'; source ./sera.bash`, "sera.bash": COMPLETIONS.bash!() },
};

/** All shells, by name. */
export const SHELLS: Readonly<Record<string, Shell>> = {
  bash: BASH,
  "bash with bash-completion": {
    words: BASH.words,
    files: {
      ...BASH.files,
      bashrc: `source /usr/share/bash-completion/bash_completion; ${BASH.files.bashrc}
               complete -W ${COMMAND.word} ${COMMAND.name}`,
    },
  },
  zsh: {
    words: ["zsh", "-d", "-i"],
    env: { ZDOTDIR: "." },
    files: {
      ".zshrc": `PS1='${PROMPT}'; fpath=($PWD $fpath); autoload -U compinit; compinit -D -u; unsetopt beep
                 _frob() { compadd ${COMMAND.word} }; compdef _frob ${COMMAND.name}`,
      "_sera": COMPLETIONS.zsh!(),
    },
  },
  fish: {
    words: ["fish", "-i"],
    env: { XDG_CONFIG_HOME: "." },
    files: {
      "fish/config.fish": `set -g fish_greeting; set -g fish_autosuggestion_enabled 0
                           function fish_prompt; echo '${PROMPT}'; end
                           complete -c ${COMMAND.name} -f -a ${COMMAND.word}`,
      "fish/completions/sera.fish": COMPLETIONS.fish!(),
    },
  },
};

/** A shell's requirements. */
export function needOf(shell: string) {
  const program = shell.split(" ")[0]!;
  return tool(program, "-c", shell.includes("with") ? "test -r /usr/share/bash-completion/bash_completion" : "true");
}

/** Types each line into the shell, with Tab for `\t`, and gives the words that sera then got. */
export async function typeInto(shell: string, lines: readonly string[]): Promise<readonly (readonly string[])[]> {
  const { words, env, files } = SHELLS[shell]!;
  await using place = await Place.make();
  await place.script("bin/sera", SERA);
  await place.script(`bin/${COMMAND.name}`, "");
  await Deno.mkdir(place.file("fish/completions"), { recursive: true });
  await place.write("settings.json", "");
  for (const [name, text] of Object.entries(files)) await place.write(name, text);
  await using run = place.start(["script", "--quiet", "--command", words.join(" "), "/dev/null"], {
    cwd: place.path,
    stdin: "open",
    env: { TERM: "vt100", ...env },
  });
  await run.says(PROMPT);
  for (const [index, line] of lines.entries()) {
    await run.write(`${line}\r`);
    await until(`the words of ${JSON.stringify(line)} in ${run.stdout}`, () => calls(run).length > index);
    await until("a new prompt", () => run.stdout.slice(run.stdout.lastIndexOf("]}")).includes(PROMPT));
  }
  return calls(run);
}

function calls({ stdout }: Running): readonly (readonly string[])[] {
  return [...stdout.matchAll(/\{\[(.*)\]\}\r\n/g)].map(([, words]) => words!.split("]["));
}
