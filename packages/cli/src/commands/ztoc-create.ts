import { mkdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { digestOf } from '@soci/oci';
import { type BuildZtocOptions, type BuiltZtoc, buildZtoc } from '@soci/ztoc';
import { type CommandContext, defineCommand, EXIT } from '../command/command.ts';
import { omitUndefined, oneOf, text, valueOption } from '../command/option.ts';
import { usageError } from '../errors.ts';
import { readFileChunks } from '../files/read-file.ts';
import { writeFileAtomically } from '../files/write-file.ts';
import { ZTOC_OPTIONS } from '../image/ztoc-options.ts';
import { describeErrorAt } from '../terminal/describe-error.ts';
import { formatBytes, formatCount, formatSeconds, pluralize, shortDigest } from '../terminal/quantity.ts';
import { numberColumns } from '../terminal/table.ts';
import { printable } from '../terminal/text.ts';

export const command = defineCommand({
  details: [
    'A zTOC is the table of contents of one layer: the position of each file, and checkpoints where decompression can ' +
      'start. Each layer is read once. If a layer is invalid, the command continues with the next one and exits with 1.',
    'Without --output, prints the results and writes no file.',
  ],
  operands: [{ name: 'LAYER', help: 'layer blob: a tar file, uncompressed or gzip', repeated: true }],
  options: {
    output: valueOption('DIR', text, 'write each zTOC to DIR/LAYERNAME.ztoc', 'o'),
    ...ZTOC_OPTIONS,
    compression: valueOption(
      'KIND',
      oneOf(['gzip', 'uncompressed', 'auto']),
      'use gzip, uncompressed or auto (default)',
    ),
  },
  examples: [
    { purpose: 'show the size of a zTOC without writing it', line: 'ztoc create layer.tar.gz' },
    { purpose: 'write the zTOCs of some layers, and print JSON', line: 'ztoc create --json -o ztocs *.tar.gz' },
  ],
  async run({ operands, options }, { output, signal }) {
    const folder = options.output;
    if (folder !== undefined) await prepareFolder(folder, operands);
    const buildOptions: BuildZtocOptions = omitUndefined({
      signal,
      spanSize: options['span-size'],
      buildToolIdentifier: options['build-tool-identifier'],
      compression: options.compression,
    });
    const made: MadeZtoc[] = [];
    let refused = 0;
    for (const path of operands) {
      const result = await createOne(path, folder, buildOptions, { output, signal });
      if (output.json) await output.writeJson(result);
      if (!('error' in result)) made.push(result);
      else {
        refused++;
        if (!output.json) await output.reportProblem(result.error);
      }
    }
    if (!output.json) await printResults(made, output);
    return refused > 0 ? EXIT.FAILED : EXIT.SUCCESS;
  },
});

/** Creates the output directory. Rejects two layers with the same file name before any work is done. */
async function prepareFolder(folder: string, layers: readonly string[]): Promise<void> {
  const names = new Map<string, string>();
  for (const path of layers) {
    const other = names.get(basename(path));
    if (other !== undefined) {
      throw usageError(
        `${other} and ${path} would both be written to ${ztocPath(folder, path)}`,
        'Run the command twice, with different directories.',
      );
    }
    names.set(basename(path), path);
  }
  await mkdir(folder, { recursive: true });
}

async function createOne(
  path: string,
  folder: string | undefined,
  options: BuildZtocOptions,
  { output, signal }: Pick<CommandContext, 'output' | 'signal'>,
) {
  const started = performance.now();
  const progress = output.openProgress();
  try {
    const { size } = await stat(path);
    // An empty file has no first bytes to detect the compression from, so its name decides.
    const built = await buildZtoc(readFileChunks(path), {
      ...options,
      ...(size === 0 && /\.t?gz$/.test(path) && options.compression !== 'uncompressed' && { compression: 'gzip' }),
      onProgress: ({ bytes }) =>
        progress.update({
          done: bytes,
          total: size,
          detail: `${printable(basename(path))}  ${formatBytes(bytes)} of ${formatBytes(size)}`,
        }),
    });
    if (folder !== undefined) await writeFileAtomically(ztocPath(folder, path), built.bytes);
    const made = describeZtoc(path, built, (performance.now() - started) / 1000);
    progress.milestone(
      `${printable(made.layer)}  ${formatBytes(size)}  ${pluralize(made.files, 'file')}  ` +
        `${pluralize(made.maxSpanId + 1, 'span')}  zTOC ${formatBytes(made.size)}  ${formatSeconds(made.seconds)}`,
    );
    return folder === undefined ? made : { ...made, output: ztocPath(folder, path) };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return { layer: basename(path), path, error: describeErrorAt(path, error) };
  } finally {
    progress.close();
  }
}

function ztocPath(folder: string, layer: string): string {
  return join(folder, `${basename(layer)}.ztoc`);
}

type MadeZtoc = ReturnType<typeof describeZtoc>;

/** Returns what `--json` prints for a layer. docs/cli.md documents the fields. */
function describeZtoc(path: string, { ztoc, bytes, layerDigest }: BuiltZtoc, seconds: number) {
  return {
    layer: basename(path),
    path,
    layerDigest,
    compression: ztoc.compression,
    digest: digestOf(bytes),
    size: bytes.length,
    maxSpanId: ztoc.maxSpanId,
    files: ztoc.files.length,
    compressedArchiveSize: ztoc.compressedArchiveSize,
    uncompressedArchiveSize: ztoc.uncompressedArchiveSize,
    seconds: Number(seconds.toFixed(3)),
  };
}

async function printResults(made: readonly MadeZtoc[], output: CommandContext['output']): Promise<void> {
  if (output.quiet) {
    for (const { digest } of made) await output.writeLine(digest);
    return;
  }
  if (made.length === 0) return;
  await output.writeTable(
    [
      { title: 'LAYER', flexible: true },
      ...numberColumns('SIZE', 'FILES', 'SPANS'),
      { title: 'ZTOC' },
      ...numberColumns('SIZE', 'TIME'),
    ],
    made.map((each) => [
      printable(each.layer),
      formatBytes(each.compressedArchiveSize),
      formatCount(each.files),
      formatCount(each.maxSpanId + 1),
      shortDigest(each.digest),
      formatBytes(each.size),
      formatSeconds(each.seconds),
    ]),
  );
}
