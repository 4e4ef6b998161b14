import { createHash, randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { FileEntry, ZtocReader } from '@soci/ztoc';
import type { Output } from '../terminal/output.ts';

/** Files up to this size, in bytes, are read completely before printing, so that no part of a damaged file is printed. */
const MAX_BUFFERED_SIZE = 256 << 20;

/**
 * Reads a file through the zTOC of its layer, verifies each span, and writes the file to `path` or to standard output.
 * The file at `path` is written atomically. On standard output, a file larger than 256 MiB can end early if a later span
 * is damaged. With `--json`, standard output is reserved for the JSON result.
 *
 * @returns The file's size in bytes, and `sha256:<hex>` of its content.
 */
export async function writeFileContent(
  reader: ZtocReader,
  entry: FileEntry,
  path: string | undefined,
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
  if (path !== undefined) {
    await writeFileAtomically(path, content());
  } else if (entry.uncompressedSize <= MAX_BUFFERED_SIZE) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content()) chunks.push(chunk);
    if (!output.json) for (const chunk of chunks) await output.writeBytes(chunk);
  } else {
    for await (const chunk of content()) if (!output.json) await output.writeBytes(chunk);
  }
  return { size, digest: `sha256:${hash.digest('hex')}` };
}

/**
 * Writes a file atomically: writes a temporary file in the same directory and renames it. An existing file stays until
 * the new one is complete. A failure leaves no temporary file behind.
 */
export async function writeFileAtomically(
  path: string,
  content: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<void> {
  const file = new AtomicFile(path);
  try {
    await file.write(content);
    await file.commit();
  } finally {
    await file.discard();
  }
}

/** A file that has a hidden temporary name until it is committed. */
export class AtomicFile {
  readonly #path: string;
  readonly #temporaryPath: string;

  constructor(path: string) {
    this.#path = path;
    this.#temporaryPath = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.partial`);
  }

  /** Writes the content. Can be called once. */
  async write(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    await writeFile(this.#temporaryPath, content, { flag: 'wx' });
  }

  /** Renames the temporary file to its final name. */
  async commit(): Promise<void> {
    await rename(this.#temporaryPath, this.#path);
  }

  /** Removes the temporary file if it was not committed. */
  async discard(): Promise<void> {
    await rm(this.#temporaryPath, { force: true });
  }
}
