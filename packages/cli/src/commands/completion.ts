import { quoteText } from '@soci/oci';
import { defineCommand, EXIT } from '../command/command.ts';
import { COMPLETION_SCRIPTS, isShell } from '../completion/completion-scripts.ts';
import { usageError } from '../errors.ts';
import { PROGRAM } from '../io.ts';

export const command = defineCommand({
  details: [
    'The script completes commands, options, values, file names, transports, and the tags of layout directories. It ' +
      'runs this program for the suggestions, so that it never needs an update.',
    `bash: add "source <(${PROGRAM} completion bash)" to ~/.bashrc.`,
    `zsh: add "source <(${PROGRAM} completion zsh)" to ~/.zshrc, after compinit.`,
    `fish: write the script to ~/.config/fish/completions/${PROGRAM}.fish.`,
  ],
  operands: [{ name: 'SHELL', help: 'bash, zsh or fish' }],
  options: {},
  examples: [{ purpose: 'print the script for bash', line: 'completion bash' }],
  async run({ operands: [shell = ''] }, { output }) {
    if (!isShell(shell)) {
      throw usageError(`${quoteText(shell)} is not one of: ${Object.keys(COMPLETION_SCRIPTS).join(', ')}`);
    }
    await output.writeLines(COMPLETION_SCRIPTS[shell].trim().split('\n'));
    return EXIT.SUCCESS;
  },
});
