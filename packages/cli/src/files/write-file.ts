import { createHash } from 'node:crypto';
import { access, constants, mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { CallOptions } from '@soci/oci';
import { createFile, type FileContent } from '@soci/oci/layout';
import type { FileEntry, ZtocReader } from '@soci/ztoc';
import { CliError } from '../errors.ts';
import type { Output } from '../terminal/output.ts';
import { formatBytes } from '../terminal/quantity.ts';

/** Files up to this size, in bytes, are read completely before printing, so that no part of a damaged file is printed. */
const MAX_BUFFERED_SIZE = 256 << 20;

/**
 * Reads a file through the zTOC of its layer, verifies each span, and writes the file to `path` or to standard output.
 * The file at `path` is written atomically, unless it is a device or a named pipe. On standard output, a file larger than
 * 256 MiB can end early if a later span is damaged. With `--json`, standard output is reserved for the JSON result.
 * Stops if the reader of standard output closes it. In a dry run, the file is read and not written.
 *
 * @returns The file's size in bytes, and `sha256:<hex>` of its content.
 */
export async function writeFileContent(
  reader: ZtocReader,
  entry: FileEntry,
  { path, isDryRun }: { readonly path: string | undefined; readonly isDryRun: boolean },
  output: Output,
  signal: AbortSignal,
): Promise<{ readonly size: number; readonly digest: string }> {
  const hash = createHash('sha256');
  let size = 0;
  async function* content(): AsyncGenerator<Uint8Array> {
    for await (const chunk of reader.openFile(entry, { signal })) {
      hash.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  }
  if (path !== undefined && isDryRun) {
    await checkFileWritable(path);
    for await (const _ of content());
    const digest = `sha256:${hash.copy().digest('hex')}`;
    if (!output.json) await output.writeLine(`Dry run: would write ${formatBytes(size)} to ${path}, ${digest}`);
  } else if (path !== undefined) {
    await writeFile(path, content, { signal });
  } else if (entry.uncompressedSize <= MAX_BUFFERED_SIZE) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content()) chunks.push(chunk);
    if (!output.json) for (const chunk of chunks) await output.writeBytes(chunk);
  } else {
    for await (const chunk of content()) {
      if (output.isClosed) break;
      if (!output.json) await output.writeBytes(chunk);
    }
  }
  return { size, digest: `sha256:${hash.digest('hex')}` };
}

/**
 * Writes a file atomically: an existing file stays until the new one is complete, and a failure leaves no draft behind.
 * A device or a named pipe is written in place.
 */
export async function writeFile(path: string, content: FileContent, options: CallOptions = {}): Promise<void> {
  const file = await createFile(path);
  try {
    await file.write(content, options);
    await file.commit();
  } finally {
    await file.discard();
  }
}

/**
 * Creates a directory and its parents. Node's recursive `mkdir` never returns if the parent exists but `mkdir` fails with
 * `ENOENT`, as in `/proc`.
 */
export async function createDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await createDirectory(dirname(path));
    await mkdir(path);
  }
}

/** Checks that files can be created in a directory. @throws CliError `FILE_UNWRITABLE` */
export async function checkWritable(directory: string): Promise<void> {
  await access(directory, constants.W_OK).catch((cause: unknown) => {
    throw new CliError('FILE_UNWRITABLE', `cannot write to directory ${directory}`, { cause });
  });
}

/** Checks that a file can be created or replaced, without writing it. @throws CliError `FILE_UNWRITABLE` */
export async function checkFileWritable(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw new CliError('FILE_UNWRITABLE', `cannot write ${path}: it is a directory`);
  if (found === undefined || found.isFile()) await checkWritable(dirname(resolve(path)));
}

/** Checks that a directory exists or can be created, and can be written. @throws CliError `FILE_UNWRITABLE` */
export async function checkDirectoryWritable(path: string): Promise<void> {
  let current = resolve(path);
  let found = await stat(current).catch(() => undefined);
  while (found === undefined && dirname(current) !== current) {
    current = dirname(current);
    found = await stat(current).catch(() => undefined);
  }
  if (!found?.isDirectory()) throw new CliError('FILE_UNWRITABLE', `${current} is not a directory`);
  await checkWritable(current);
}
