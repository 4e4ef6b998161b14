import { type CliIo, PROGRAM, widthOf } from '../io.ts';
import { styleFor, wrapWords } from '../terminal/text.ts';
import { COMMON_OPTIONS, type Command, type CommandEntry, EXIT, PROGRAM_OPTIONS } from './command.ts';
import type { OptionTable } from './option.ts';

/** Width of a help text if the width of the terminal is unknown, in columns. */
const DEFAULT_WIDTH = 80;
/** Maximum width of a help text, in columns. Longer lines are hard to read. */
const MAX_WIDTH = 120;
/** Minimum width of the column that explains a term. Below it, the explanation is on a new line. */
const MIN_MEANING_WIDTH = 30;
const INDENT = '  ';

/** Returns the text of `soci-index --help`. */
export function programHelp(commands: readonly CommandEntry[], io: CliIo): string {
  const { style, width } = pageFor(io);
  const summaries = commands.map(({ names: [name], summary }) => [name, summary]);
  return [
    ...wrapWords('Build, inspect and verify SOCI indexes for container images.', width),
    '',
    `${style.bold('Usage:')} ${PROGRAM} [OPTIONS] COMMAND ...`,
    '',
    style.bold('Commands:'),
    ...entries(width, summaries),
    '',
    style.bold('Image names (as in skopeo):'),
    ...entries(width, [
      ['[docker://]HOST/REPO[:TAG][@DIGEST]', 'image in a registry, such as Amazon ECR'],
      ['oci:DIR[:TAG]', 'OCI image layout directory'],
      ['oci-archive:FILE[:TAG]', 'tar file of a layout, or - for a pipe'],
      ['docker-archive:FILE[:NAME]', 'file of "docker save"; only SRC'],
      ['dir:DIR', 'directory of "skopeo copy"; only SRC'],
    ]),
    '',
    style.bold('Exit codes:'),
    ...entries(width, [
      [String(EXIT.SUCCESS), 'success'],
      [String(EXIT.FAILED), 'failure; see the error message'],
      [String(EXIT.USAGE), 'invalid command line'],
      [String(EXIT.NOTHING_TO_INDEX), 'nothing to index; each layer has a reason'],
      [String(EXIT.CAUSE_FOUND), 'doctor found why an image does not load lazily'],
      [String(EXIT.INTERRUPTED), 'interrupted'],
    ]),
    '',
    style.bold('Options of every command, before or after it:'),
    ...optionEntries(width, PROGRAM_OPTIONS),
    '',
    ...wrapWords(`Run "${PROGRAM} COMMAND --help" for the options of a command.`, width),
    ...wrapWords('Every option can be an environment variable: SOCI_SPAN_SIZE for --span-size.', width),
    '',
  ].join('\n');
}

/**
 * Returns the text of `soci-index COMMAND --help`.
 *
 * @param program - What users type before the command's name.
 */
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
    lines.push(...wrapCommandLine(`${program} ${line}`.trim(), width - INDENT.length).map((each) => INDENT + each));
  }
  return [...lines, ''].join('\n');
}

/** Wraps a command line with a backslash at the end of each line but the last, so that users can still copy it. */
function wrapCommandLine(line: string, width: number): string[] {
  if (line.length <= width) return [line];
  const [first = '', ...others] = wrapWords(line, width - INDENT.length * 2);
  const lines = [first, ...others.map((each) => INDENT + each)];
  return lines.map((each, index) => (index < lines.length - 1 ? `${each} \\` : each));
}

/** Returns the usage of a command: program, name, options, operands. */
export function usageLine(command: Command, program: string): string {
  const operands = command.operands.map(({ name, optional, repeated }) => {
    const shown = repeated ? `${name}...` : name;
    return optional ? `[${shown}]` : shown;
  });
  return [program, command.name, '[OPTIONS]', ...operands].filter((word) => word !== '').join(' ');
}

function pageFor({ stdout, env }: CliIo) {
  return { style: styleFor(stdout, env), width: Math.min(widthOf(stdout, DEFAULT_WIDTH), MAX_WIDTH) };
}

function optionEntries(width: number, options: OptionTable): string[] {
  const pairs = Object.entries(options).map(([name, option]) => {
    const short = option.short ? `-${option.short}, ` : '    ';
    return [`${short}--${name}${option.kind === 'flag' ? '' : ` ${option.value}`}`, option.help];
  });
  return entries(width, pairs);
}

/** Formats terms and their meanings in two columns, or on separate lines on a narrow terminal. */
function entries(width: number, pairs: readonly (readonly string[])[]): string[] {
  const termWidth = Math.max(...pairs.map(([term = '']) => term.length));
  const meaningWidth = width - INDENT.length - termWidth - 2;
  return pairs.flatMap(([term = '', meaning = '']) => {
    if (meaningWidth < MIN_MEANING_WIDTH) {
      return [INDENT + term, ...wrapWords(meaning, Math.max(20, width - 8)).map((line) => `      ${line}`)];
    }
    return wrapWords(meaning, meaningWidth).map(
      (line, index) => `${INDENT}${(index === 0 ? term : '').padEnd(termWidth)}  ${line}`,
    );
  });
}
