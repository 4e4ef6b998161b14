import { createHash, randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { FileEntry, ZtocReader } from '@soci/ztoc';
import type { Output } from '../terminal/output.ts';

/** Files up to this size are read whole before their first byte is printed, so that no part of a damaged one is. */
const MAX_WHOLE_SIZE = 256 << 20;

/**
 * Reads a file through its layer's zTOC, each span verified, and writes it: to a file, complete or absent; or to standard
 * output, where a file of more than 256 MiB may end early when a later span turns out to be damaged. With `--json`
 * standard output is kept for the description.
 *
 * @returns The file's size, and `sha256:<hex>` of its bytes.
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
    await writeAside(path, content());
  } else if (entry.uncompressedSize <= MAX_WHOLE_SIZE) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content()) chunks.push(chunk);
    if (!output.json) for (const chunk of chunks) await output.writeBytes(chunk);
  } else {
    for await (const chunk of content()) if (!output.json) await output.writeBytes(chunk);
  }
  return { size, digest: `sha256:${hash.digest('hex')}` };
}

/**
 * Writes a file that is complete or absent: under another name beside it, then renamed. What stood there before stays
 * until the new one is whole. Nothing is left behind on failure.
 */
export async function writeAside(path: string, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
  const draft = new FileDraft(path);
  try {
    await draft.write(content);
    await draft.commit();
  } finally {
    await draft.discard();
  }
}

/** A file that is being written under a hidden name beside its place. */
export class FileDraft {
  readonly #path: string;
  readonly #aside: string;

  constructor(path: string) {
    this.#path = path;
    this.#aside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.partial`);
  }

  /** Writes the whole content; once. */
  async write(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    await writeFile(this.#aside, content, { flag: 'wx' });
  }

  /** Gives the file its name. */
  async commit(): Promise<void> {
    await rename(this.#aside, this.#path);
  }

  /** Removes what was not committed. */
  async discard(): Promise<void> {
    await rm(this.#aside, { force: true });
  }
}
