import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { type LayerWarning, toLayerWarnings } from '@soci/index';
import { digestOf, escapeText } from '@soci/oci';
import { type BuildZtocOptions, type BuiltZtoc, buildZtoc } from '@soci/ztoc';
import { type ClosableSecondThread, startSecondThread } from '@soci/ztoc/node';
import { type CommandContext, defineCommand, EXIT } from '../command/command.ts';
import { DRY_RUN_OPTION, omitUndefined, oneOf, parseText, valueOption } from '../command/option.ts';
import { parseCount } from '../command/size.ts';
import { usageError } from '../errors.ts';
import { readFileChunks } from '../files/read-file.ts';
import { isPipe, readStream } from '../files/read-stream.ts';
import { checkDirectoryWritable, createDirectory, writeFile } from '../files/write-file.ts';
import { MAX_JOBS, ZTOC_OPTIONS } from '../image/index-options.ts';
import { printWarnings, warningsAsJson } from '../image/print-warnings.ts';
import { describeFileError } from '../terminal/describe-error.ts';
import { formatBytes, formatCount, formatSeconds, pluralize, shortDigest } from '../terminal/quantity.ts';
import { numberColumns } from '../terminal/table.ts';

/** Threads that read a layer: one decompresses, the other one computes digests. */
const MAX_THREADS = 2;

/** Minimum size of a layer for a second thread, in bytes. To start a thread takes as long as to read a few megabytes. */
const MIN_SIZE_FOR_THREAD = 8 << 20;

export const command = defineCommand({
  details: [
    'A zTOC is the table of contents of one layer: the position of each file, and checkpoints where decompression can ' +
      'start. Each layer is read once. If a layer is invalid, the command continues with the next one and exits with 1.',
    'Without --output, prints the results and writes no file.',
  ],
  operands: [{ name: 'LAYER', help: 'layer blob: a tar file, uncompressed or gzip', repeated: true }],
  options: {
    output: valueOption('DIR', parseText, 'write each zTOC to DIR/LAYERNAME.ztoc', 'o'),
    'dry-run': DRY_RUN_OPTION,
    ...ZTOC_OPTIONS,
    compression: valueOption(
      'KIND',
      oneOf(['gzip', 'uncompressed', 'auto']),
      'use gzip, uncompressed or auto (default)',
    ),
    jobs: valueOption('N', parseCount(MAX_JOBS), 'use at most N threads (default: up to 2)'),
  },
  examples: [
    { purpose: 'show the size of a zTOC without writing it', line: 'ztoc create layer.tar.gz' },
    { purpose: 'write the zTOCs of some layers, and print JSON', line: 'ztoc create --json -o ztocs *.tar.gz' },
  ],
  async run({ operands, options }, { output, signal }) {
    const { output: directory, 'dry-run': isDryRun } = options;
    if (directory !== undefined) {
      checkNames(directory, operands);
      await (isDryRun ? checkDirectoryWritable : createDirectory)(directory);
    }
    const buildOptions: BuildZtocOptions = omitUndefined({
      signal,
      spanSize: options['span-size'],
      buildToolIdentifier: options['build-tool-identifier'],
      compression: options.compression,
    });
    const results: ZtocResult[] = [];
    let failed = 0;
    const thread = new LazyThread(options.jobs ?? availableParallelism());
    try {
      for (const path of operands) {
        const result = await createZtoc(path, { directory, isDryRun, thread }, buildOptions, { output, signal });
        if (output.json) await output.writeJson(result);
        if (!('error' in result)) results.push(result);
        else {
          failed++;
          if (!output.json) await output.reportProblem(result.error);
        }
      }
    } finally {
      await thread.close();
    }
    if (!output.json) {
      await printResults(results, output);
      if (isDryRun && directory !== undefined && !output.quiet) await printDryRun(results, output);
    }
    return failed > 0 ? EXIT.FAILED : EXIT.SUCCESS;
  },
});

/** A second thread, started for the first layer that is worth it. */
class LazyThread {
  readonly #count: number;
  #thread: Promise<ClosableSecondThread | undefined> | undefined;

  /** @param count Number of threads that may run. */
  constructor(count: number) {
    this.#count = count;
  }

  /** Returns the thread for a layer of this size, if it is worth it. */
  async forLayer(size: number): Promise<ClosableSecondThread | undefined> {
    if (this.#count < MAX_THREADS || size < MIN_SIZE_FOR_THREAD) return undefined;
    this.#thread ??= startSecondThread();
    return this.#thread;
  }

  async close(): Promise<void> {
    await (await this.#thread)?.close();
  }
}

/** Rejects two layers with the same file name before any work is done. */
function checkNames(directory: string, layers: readonly string[]): void {
  const names = new Map<string, string>();
  for (const path of layers) {
    const other = names.get(basename(path));
    if (other !== undefined) {
      throw usageError(
        `${other} and ${path} would both be written to ${ztocPath(directory, path)}`,
        'Run the command twice, with different directories.',
      );
    }
    names.set(basename(path), path);
  }
}

async function createZtoc(
  path: string,
  {
    directory,
    isDryRun,
    thread,
  }: { readonly directory: string | undefined; readonly isDryRun: boolean; readonly thread: LazyThread },
  options: BuildZtocOptions,
  { output, signal }: Pick<CommandContext, 'output' | 'signal'>,
) {
  const started = performance.now();
  const progress = output.openProgress();
  try {
    const { size } = await stat(path);
    const second = await thread.forLayer(size);
    // An empty file has no first bytes to detect the compression from, so its name decides.
    const built = await buildZtoc((await isPipe(path)) ? readStream(path, signal) : readFileChunks(path), {
      ...options,
      ...(second && { thread: second }),
      ...(size === 0 && /\.t?gz$/.test(path) && options.compression !== 'uncompressed' && { compression: 'gzip' }),
      onProgress: ({ bytes }) =>
        progress.update({
          done: bytes,
          total: size,
          get detail() {
            return `${basename(path)}  ${formatBytes(bytes)} of ${formatBytes(size)}`;
          },
        }),
    });
    if (directory !== undefined && !isDryRun)
      await writeFile(ztocPath(directory, path), () => [built.bytes], { signal });
    // If no span size helps, the remedy is to skip the layer, but this one was named.
    const warnings = toLayerWarnings(built.runtime, built.ztoc, built.bytes.length).filter(
      ({ code, spanSize }) => code !== 'ztoc-large' || spanSize !== undefined,
    );
    const result = describeZtoc(path, built, (performance.now() - started) / 1000, warnings);
    progress.milestone(
      `${result.layer}  ${formatBytes(size)}  ${pluralize(result.files, 'file')}  ` +
        `${pluralize(result.maxSpanId + 1, 'span')}  zTOC ${formatBytes(result.size)}  ${formatSeconds(result.seconds)}`,
    );
    const file = directory === undefined ? {} : { output: ztocPath(directory, path) };
    return { ...result, ...file, ...(isDryRun && { dryRun: true }) };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return { layer: basename(path), path, error: describeFileError(path, error) };
  } finally {
    progress.close();
  }
}

function ztocPath(directory: string, layer: string): string {
  return join(directory, `${basename(layer)}.ztoc`);
}

type ZtocResult = ReturnType<typeof describeZtoc> & { readonly output?: string; readonly dryRun?: boolean };

/** Returns what `--json` prints for a layer. docs/cli.md documents the fields. */
function describeZtoc(
  path: string,
  { ztoc, bytes, layerDigest, entryCount }: BuiltZtoc,
  seconds: number,
  warnings: readonly LayerWarning[],
) {
  return {
    layer: basename(path),
    path,
    layerDigest,
    compression: ztoc.compression,
    digest: digestOf(bytes),
    size: bytes.length,
    maxSpanId: ztoc.maxSpanId,
    files: entryCount,
    compressedArchiveSize: ztoc.compressedArchiveSize,
    uncompressedArchiveSize: ztoc.uncompressedArchiveSize,
    seconds: Number(seconds.toFixed(3)),
    ...warningsAsJson(warnings),
  };
}

async function printDryRun(results: readonly ZtocResult[], output: CommandContext['output']): Promise<void> {
  await output.writeLine();
  await output.writeLine('Dry run: nothing was written. These files would be written:');
  for (const { output: file = '' } of results) await output.writeLine(`  ${escapeText(file)}`);
}

async function printResults(results: readonly ZtocResult[], output: CommandContext['output']): Promise<void> {
  if (output.quiet) {
    for (const { digest } of results) await output.writeLine(digest);
    return;
  }
  if (results.length === 0) return;
  await output.writeTable(
    [
      { title: 'LAYER', flexible: true },
      ...numberColumns('SIZE', 'FILES', 'SPANS'),
      { title: 'ZTOC' },
      ...numberColumns('SIZE', 'TIME'),
    ],
    results.map((each) => [
      escapeText(each.layer),
      formatBytes(each.compressedArchiveSize),
      formatCount(each.files),
      formatCount(each.maxSpanId + 1),
      shortDigest(each.digest),
      formatBytes(each.size),
      formatSeconds(each.seconds),
    ]),
  );
  printWarnings(
    results.map(({ layerDigest, warnings = [] }) => ({ layer: layerDigest, warnings })),
    output,
  );
}
