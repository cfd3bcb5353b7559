import { command } from "./command.ts";

/**
 * Shells ask the program itself (yargs' hidden --get-yargs-completions), so the scripts never go stale. yargs looks at
 * SHELL to see whether it may describe what it offers.
 */
const scripts = {
  bash: `# clip completion for bash; load with: source <(clip completion bash)
_clip() {
  local word=\${COMP_WORDS[COMP_CWORD]}
  mapfile -t COMPREPLY < <(compgen -W "$(SHELL=bash "\${COMP_WORDS[0]}" --get-yargs-completions clip "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "$word")
}
complete -o bashdefault -o default -F _clip clip`,
  zsh: `#compdef clip
# clip completion for zsh; load with: source <(clip completion zsh)
_clip() {
  local -a replies
  replies=("\${(@f)$(SHELL=zsh "\${words[1]}" --get-yargs-completions clip "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n \${replies[1]} ]]; then
    _describe clip replies
  else
    _files
  fi
}
if [[ $funcstack[1] == _clip ]]; then _clip "$@"; else compdef _clip clip; fi`,
  fish: `# clip completion for fish; load with: clip completion fish | source
function __clip_complete
  set -l words (commandline -opc)
  set -lx SHELL fish
  $words[1] --get-yargs-completions clip $words[2..] (commandline -ct) 2>/dev/null
end
complete -c clip -a '(__clip_complete)'`,
} as const;

export default command({
  examples: [
    ["source <(clip completion bash)", "in ~/.bashrc; for zsh the same in ~/.zshrc"],
    ["clip completion fish > ~/.config/fish/completions/clip.fish", "once, for fish"],
  ],
  flags: (yargs) =>
    yargs.positional("shell", {
      choices: ["bash", "zsh", "fish"] as const,
      demandOption: true,
      describe: "The shell",
    }),
  async run({ shell }, { output }) {
    const script = scripts[shell];
    if (output.json) output.value({ shell, script });
    else output.line(script);
    return 0;
  },
});
