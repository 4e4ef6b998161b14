import { type CliIo, PROGRAM, widthOf } from '../io.ts';
import { styleFor, wrapWords } from '../terminal/text.ts';
import { COMMON_OPTIONS, type Command, type CommandEntry, EXIT } from './command.ts';
import type { OptionTable } from './option.ts';

/** Columns of a help text, at most and where nothing says how wide the terminal is. */
const WIDEST = 100;
const INDENT = '  ';

/** What `soci-index --help` prints. */
export function programHelp(commands: readonly CommandEntry[], io: CliIo): string {
  const { style, width } = pageFor(io);
  const summaries = commands.map(({ names: [name], summary }) => [name, summary]);
  return [
    ...wrapWords(
      'Makes container images seekable: builds SOCI indexes, looks into them, and proves that they read back right.',
      width,
    ),
    '',
    `${style.bold('Usage:')} ${PROGRAM} COMMAND [OPTIONS] ...`,
    '',
    style.bold('Commands:'),
    ...entries(width, summaries),
    '',
    style.bold('Images are named as skopeo names them:'),
    ...entries(width, [
      ['[docker://]HOST/REPO[:TAG][@DIGEST]', 'in a registry, such as Amazon ECR'],
      ['oci:DIR[:TAG]', 'an OCI image layout folder'],
      ['oci-archive:FILE[:TAG]', 'the same as a tar file'],
    ]),
    '',
    style.bold('Exit codes:'),
    ...entries(width, [
      [String(EXIT.DONE), 'done'],
      [String(EXIT.FAILED), 'failed; the error says why'],
      [String(EXIT.USAGE), 'the command line is wrong'],
      [String(EXIT.NOTHING), 'nothing to index: a result, with the reason of each layer'],
      [String(EXIT.INTERRUPTED), 'interrupted, and cleaned up'],
    ]),
    '',
    `${PROGRAM} COMMAND --help says more about a command, ${PROGRAM} --version which version this is.`,
    '',
  ].join('\n');
}

/** What `soci-index COMMAND --help` prints; or another `program`, whose only command has no name. */
export function commandHelp(command: Command, io: CliIo, program: string = PROGRAM): string {
  const { style, width } = pageFor(io);
  const lines = [
    `${style.bold('Usage:')} ${usageLine(command, program)}`,
    '',
    ...wrapWords(`${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`, width),
  ];
  for (const paragraph of command.details ?? []) lines.push('', ...wrapWords(paragraph, width));
  const operands = command.operands.map(({ name, help }) => [name, help]);
  if (operands.length > 0) lines.push('', ...entries(width, operands));
  const options = optionEntries(width, command.options);
  if (options.length > 0) lines.push('', style.bold('Options:'), ...options);
  lines.push('', style.bold('Common options:'), ...optionEntries(width, COMMON_OPTIONS));
  lines.push('', style.bold('Examples:'));
  for (const { purpose, line } of command.examples) {
    lines.push(...wrapWords(style.dim(`# ${purpose}`), width - INDENT.length).map((each) => INDENT + each));
    lines.push(`${INDENT}${program} ${line}`.trimEnd());
  }
  return [...lines, ''].join('\n');
}

/** The command's form: name, options, operands. */
export function usageLine(command: Command, program: string): string {
  const operands = command.operands.map(({ name, optional, repeated }) => {
    const shown = repeated ? `${name}...` : name;
    return optional ? `[${shown}]` : shown;
  });
  return [program, command.name, '[OPTIONS]', ...operands].filter((word) => word !== '').join(' ');
}

function pageFor({ stdout, env }: CliIo) {
  return { style: styleFor(stdout, env), width: Math.min(widthOf(stdout, WIDEST), WIDEST) };
}

function optionEntries(width: number, options: OptionTable): string[] {
  const pairs = Object.entries(options).map(([name, option]) => {
    const short = option.short ? `-${option.short}, ` : '    ';
    return [`${short}--${name}${option.kind === 'flag' ? '' : ` ${option.value}`}`, option.help];
  });
  return entries(width, pairs);
}

/** Terms and what they mean, side by side where there is room. */
function entries(width: number, pairs: readonly string[][]): string[] {
  const termWidth = Math.max(...pairs.map(([term = '']) => term.length));
  const besides = width - INDENT.length - termWidth - 2;
  return pairs.flatMap(([term = '', meaning = '']) => {
    if (besides < 30) {
      return [INDENT + term, ...wrapWords(meaning, Math.max(20, width - 8)).map((line) => `      ${line}`)];
    }
    return wrapWords(meaning, besides).map(
      (line, index) => `${INDENT}${(index === 0 ? term : '').padEnd(termWidth)}  ${line}`,
    );
  });
}
