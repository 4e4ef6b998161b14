import { appendFile } from 'node:fs/promises';
import type { LayerReport } from '@soci/index';
import { escapeText, formatPlatform } from '@soci/oci';
import { type OptionValues, parseText, valueOption } from '../command/option.ts';
import { throwFileError } from '../terminal/describe-error.ts';
import { formatBytes, formatSeconds, shortDigest } from '../terminal/quantity.ts';
import { truncate } from '../terminal/text.ts';
import { describeSkip, type OutcomeReport, outcomeWord } from './print-outcome.ts';

/** Options of CI systems: files that the result is appended to. */
export const RESULT_FILE_OPTIONS = {
  'result-file': valueOption('FILE', parseText, 'append the result as NAME=VALUE to FILE'),
  'summary-file': valueOption('FILE', parseText, 'append the result to FILE as Markdown'),
} as const;

/** Maximum number of rows in the table of layers. CI systems limit the size of a summary: GitHub to 1 MiB. */
const MAX_ROWS = 200;

/** Maximum length of a name from the command line or an image in a summary, in characters. */
const MAX_NAME_LENGTH = 300;

/** Characters that need no quotes in a shell, a dotenv file and GitHub's output file. */
const PLAIN = /^[\w@%+=:,./[\]-]*$/;

type ResultFileOptions = OptionValues<typeof RESULT_FILE_OPTIONS>;

/** Fails before an image is read if the result cannot be appended to the files. */
export async function checkResultFiles(options: ResultFileOptions): Promise<void> {
  await append(options['result-file'], '');
  await append(options['summary-file'], '');
}

/** Appends a result to the files of the options. */
export async function writeResultFiles(options: ResultFileOptions, report: OutcomeReport): Promise<void> {
  await append(options['result-file'], resultAsVariables(report));
  await append(options['summary-file'], resultAsMarkdown(report));
}

async function append(path: string | undefined, text: string): Promise<void> {
  if (path !== undefined) await appendFile(path, text).catch(throwFileError(path));
}

/** Returns the digest of the new image, or of the first index if the image is unchanged. */
function digestOf({ outcome }: OutcomeReport): string {
  return outcome.outcome === 'nothing-to-index' ? '' : ((outcome.root ?? outcome.indexes[0])?.digest ?? '');
}

function resultAsVariables(report: OutcomeReport): string {
  const { outcome, names, tags } = report;
  const isWritten = outcome.outcome !== 'nothing-to-index';
  const values = {
    OUTCOME: outcomeWord(outcome),
    DIGEST: digestOf(report),
    TAG: isWritten ? (tags[0] ?? '') : '',
    IMAGE: isWritten ? (names[0] ?? '') : '',
  };
  // Another character could end the value, or run a command where a shell reads the file.
  const lines = Object.entries(values).map(
    ([name, value]) => `SOCI_RESULT_${name}=${PLAIN.test(value) ? value : ''}\n`,
  );
  return lines.join('');
}

function resultAsMarkdown(report: OutcomeReport): string {
  const { outcome, source, names, seconds, minLayerSize } = report;
  const digest = digestOf(report);
  const facts: [string, string][] = [['outcome', outcomeWord(outcome)]];
  if (digest !== '') facts.push(['image', names.map(markdownText).join('<br>')], ['digest', markdownText(digest)]);
  if (outcome.outcome === 'nothing-to-index') facts.push(['reason', outcome.reason]);
  const table: string[] = [];
  if (outcome.outcome !== 'already-indexed') {
    const indexed = outcome.layers.flatMap((layer) => (layer.outcome === 'indexed' ? [layer] : []));
    const sum = (sizes: readonly number[]) => formatBytes(sizes.reduce((total, size) => total + size, 0));
    facts.push(['layers indexed', `${indexed.length} of ${outcome.layers.length}`]);
    if (indexed.length > 0) {
      facts.push(['size of these layers', sum(indexed.map(({ size }) => size))]);
      facts.push(['size of their zTOCs', sum(indexed.map(({ ztoc }) => ztoc.size))]);
    }
    facts.push([
      'platforms',
      outcome.platforms.map(({ platform }) => markdownText(formatPlatform(platform))).join(', '),
    ]);
    table.push('', '| layer | size | zTOC | result |', '|---|---:|---:|---|');
    table.push(...outcome.layers.slice(0, MAX_ROWS).map((layer) => layerRow(layer, minLayerSize)));
    const more = outcome.layers.length - MAX_ROWS;
    if (more > 0) table.push('', `${more} more layers are not listed.`);
  }
  facts.push(['time', formatSeconds(seconds)]);
  const rows = facts.map(([name, value]) => `| ${name} | ${value} |`);
  return [`### SOCI index of ${markdownText(source)}`, '', '| | |', '|---|---|', ...rows, ...table, '', ''].join('\n');
}

function layerRow(layer: LayerReport, minLayerSize: number): string {
  const isIndexed = layer.outcome === 'indexed';
  const result = isIndexed ? layer.origin : describeSkip(layer, minLayerSize);
  const ztoc = isIndexed ? formatBytes(layer.ztoc.size) : '';
  return `| ${markdownText(shortDigest(layer.digest))} | ${formatBytes(layer.size)} | ${ztoc} | ${markdownText(result)} |`;
}

/** Escapes text for Markdown: everything that could be markup, HTML or a mention is a character reference. */
function markdownText(text: string): string {
  const short = truncate(escapeText(text), MAX_NAME_LENGTH);
  return short.replaceAll(/[^\p{L}\p{N} .,:;/-]/gu, (character) => `&#${character.codePointAt(0)};`);
}
