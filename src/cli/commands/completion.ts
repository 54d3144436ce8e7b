import { exitCodes, UsageError, type Command } from '../command.ts'
import { outputOptions } from '../common-options.ts'

/**
 * A script that completes commands and options in a shell.
 *
 * @param others the commands beside this one
 */
export function completionOf(others: readonly Command[]): Command {
  const completion: Command = {
    name: 'completion',
    summary: 'prints a script that completes commands and options: bash, zsh or fish',
    positionals: ['<shell>'],
    options: {},
    examples: [
      ['source <(runspan completion bash)', 'in ~/.bashrc'],
      ['runspan completion zsh > ~/.zfunc/_runspan', 'in a folder of $fpath'],
      ['runspan completion fish > ~/.config/fish/completions/runspan.fish', ''],
    ],
    run({ positionals, print }) {
      const shell = scripts[positionals[0] ?? '']
      if (shell === undefined)
        throw new UsageError(`There is no completion for ${positionals[0]}. Use bash, zsh or fish.`)
      print(shell([...others, completion]))
      return Promise.resolve(exitCodes.done)
    },
  }
  return completion
}

function optionsOf(command: Command): readonly string[] {
  return Object.keys({ ...command.options, ...outputOptions }).map((option) => `--${option}`)
}

const scripts: Readonly<Record<string, (commands: readonly Command[]) => string>> = {
  bash: (commands) =>
    [
      '_runspan() {',
      '  local word="${COMP_WORDS[COMP_CWORD]}" words=""',
      '  case "${COMP_CWORD}:${COMP_WORDS[1]}" in',
      `    1:*) words="${commands.map(({ name }) => name).join(' ')} --help --version" ;;`,
      ...commands.map((command) => `    *:${command.name}) words="${optionsOf(command).join(' ')}" ;;`),
      '  esac',
      '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
      '  [[ "$word" != -* && ${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=($(compgen -f -- "$word"))',
      '}',
      'complete -F _runspan runspan',
    ].join('\n'),
  zsh: (commands) =>
    [
      '#compdef runspan',
      'if (( CURRENT == 2 )); then',
      `  local -a commands=(${commands.map(({ name, summary }) => quoted(`${name}:${summary}`)).join(' ')})`,
      '  _describe command commands',
      'else',
      '  case "$words[2]" in',
      ...commands.map((command) => `    ${command.name}) compadd -- ${optionsOf(command).join(' ')}; _files ;;`),
      '  esac',
      'fi',
    ].join('\n'),
  fish: (commands) =>
    commands
      .flatMap((command) => [
        `complete -c runspan -n __fish_use_subcommand -f -a ${command.name} -d ${quoted(command.summary)}`,
        ...Object.entries({ ...command.options, ...outputOptions }).map(
          ([option, { help, type }]) =>
            `complete -c runspan -n '__fish_seen_subcommand_from ${command.name}' -l ${option}${type === 'string' ? ' -r' : ''} -d ${quoted(help)}`,
        ),
      ])
      .join('\n'),
}

/** A word of a shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
