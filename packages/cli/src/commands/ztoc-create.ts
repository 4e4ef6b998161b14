import { mkdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { digestOf } from '@soci/oci';
import { type BuildZtocOptions, type BuiltZtoc, buildZtoc } from '@soci/ztoc';
import { type CommandContext, defineCommand, EXIT } from '../command/command.ts';
import { defined, oneOf, text, valueOption } from '../command/option.ts';
import { usageError } from '../errors.ts';
import { readFileChunks } from '../files/read-file.ts';
import { writeAside } from '../files/write-file.ts';
import { ZTOC_OPTIONS } from '../image/ztoc-options.ts';
import { describeErrorAt } from '../terminal/describe-error.ts';
import { countOf, formatBytes, formatCount, formatSeconds, shortDigest } from '../terminal/quantity.ts';
import { numbers } from '../terminal/table.ts';
import { printable } from '../terminal/text.ts';

export const command = defineCommand({
  details: [
    'A zTOC is the table of contents of one layer: where each file lies in it, and from where it can be decompressed. ' +
      'Layers are read once, from start to end. One that is refused does not stop the others.',
    'Without --output nothing is written: the results are only printed.',
  ],
  operands: [{ name: 'LAYER', help: 'a layer blob: a tar file, gzipped or not', repeated: true }],
  options: {
    output: valueOption(
      'DIR',
      text,
      'write each zTOC to DIR/LAYERNAME.ztoc; the folder is made where it is missing',
      'o',
    ),
    ...ZTOC_OPTIONS,
    compression: valueOption(
      'KIND',
      oneOf(['gzip', 'uncompressed', 'auto']),
      'how the layers are compressed: gzip, uncompressed, or auto (the default), which looks at the first bytes',
    ),
  },
  examples: [
    { purpose: 'what is in a layer, and how large its zTOC would be', line: 'ztoc create layer.tar.gz' },
    { purpose: 'write the zTOCs of some layers, one JSON object each', line: 'ztoc create --json -o ztocs *.tar.gz' },
  ],
  async run({ operands, options }, { output, signal }) {
    const folder = options.output;
    if (folder !== undefined) await prepareFolder(folder, operands);
    const buildOptions: BuildZtocOptions = defined({
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
    return refused > 0 ? EXIT.FAILED : EXIT.DONE;
  },
});

/** Two layers of one name would overwrite each other's zTOC; that is seen before any work is done. */
async function prepareFolder(folder: string, layers: readonly string[]): Promise<void> {
  const names = new Map<string, string>();
  for (const path of layers) {
    const other = names.get(basename(path));
    if (other !== undefined) {
      throw usageError(
        `${other} and ${path} would both be written to ${ztocPath(folder, path)}`,
        'Make them in two runs, into two folders.',
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
    // Nothing can be told from the first bytes of an empty file: there its name says what it was meant to be.
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
    if (folder !== undefined) await writeAside(ztocPath(folder, path), built.bytes);
    const made = describeZtoc(path, built, (performance.now() - started) / 1000);
    progress.milestone(
      `${printable(made.layer)}  ${formatBytes(size)}  ${countOf(made.files, 'file')}  ` +
        `${countOf(made.maxSpanId + 1, 'span')}  zTOC ${formatBytes(made.size)}  ${formatSeconds(made.seconds)}`,
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

/** What `--json` prints for a layer whose zTOC was made; docs/cli.md says what each field means. */
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
      ...numbers('SIZE', 'FILES', 'SPANS'),
      { title: 'ZTOC' },
      ...numbers('SIZE', 'TIME'),
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
