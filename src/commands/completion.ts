import { command } from "./command.ts";

/** Shells ask the program itself (yargs' hidden --get-yargs-completions), so the scripts never go stale. */
const scripts: Readonly<Record<"bash" | "zsh" | "fish", string>> = {
  bash: `# clip completion; load with: source <(clip completion bash)
_clip() {
  local word=\${COMP_WORDS[COMP_CWORD]}
  mapfile -t COMPREPLY < <(compgen -W "$(clip --get-yargs-completions "\${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null | grep -v '^\\$0$')" -- "$word")
}
complete -o bashdefault -o default -F _clip clip`,
  zsh: `#compdef clip
# clip completion; load with: source <(clip completion zsh)
_clip() {
  local -a replies
  replies=("\${(@f)$(clip --get-yargs-completions "\${words[@]:0:$CURRENT}" 2>/dev/null)}")
  [[ -n \${replies[1]} ]] && _describe 'clip' replies
  _files
}
compdef _clip clip`,
  fish: `# clip completion; load with: clip completion fish | source
function __clip_complete
  set -l words (commandline -opc) (commandline -ct)
  clip --get-yargs-completions $words 2>/dev/null | string replace -r ':' '\\t'
end
complete -c clip -a '(__clip_complete)'`,
};

export default command({
  usage: "completion <shell>",
  summary: "Print a completion script for bash, zsh or fish",
  examples: [
    ["source <(clip completion bash)", "in ~/.bashrc"],
    ["clip completion fish > ~/.config/fish/completions/clip.fish", "for fish"],
  ],
  flags: (yargs) =>
    yargs.positional("shell", {
      choices: ["bash", "zsh", "fish"] as const,
      demandOption: true,
      describe: "The shell",
    }),
  async run({ shell }, { output }) {
    output.line(scripts[shell]);
    return 0;
  },
});
