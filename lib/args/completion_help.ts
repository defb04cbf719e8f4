import { BAD_ARGUMENTS, BROKEN_PIPE, NOT_PRINTED } from "./exit_statuses.ts";
import { HELP_FLAG } from "./flag.ts";
import type { Subcommand } from "./subcommand.ts";

/** The shells that have a completion. */
export const SHELLS = ["bash", "zsh", "fish"];

/** What the help texts, the manual and the completions say about `sera completion`. */
export const COMPLETION: Subcommand = {
  name: "completion",
  summary: "print the completion script for a shell",
  usage: SHELLS.join("|"),
  usages: [SHELLS.join("|")],
  about: [
    "Prints the script with which a shell completes sera's command line. You need it",
    "only if you have the program alone: packages and install.sh install it. To keep",
    "it:",
    "  sera completion bash > ~/.local/share/bash-completion/completions/sera",
    "  sera completion zsh > _sera      # into a folder of $fpath, before compinit",
    "  sera completion fish > ~/.config/fish/completions/sera.fish",
    'For this shell only: eval "$(sera completion bash)" (or zsh, after compinit).',
  ],
  flags: [HELP_FLAG],
  settings: [],
  takesCommand: false,
  operands: SHELLS,
  statuses: [[0, "printed"], BAD_ARGUMENTS, NOT_PRINTED, BROKEN_PIPE],
};
