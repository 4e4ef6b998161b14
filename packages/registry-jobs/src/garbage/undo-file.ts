import { existsSync } from 'node:fs';
import { type FileHandle, link, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RegistryJobsError } from '../errors.ts';
import {
  MAX_UNDO_LINE,
  parseUndoManifest,
  toUndoEntry,
  type UndoEntry,
  UndoFormatter,
  type UndoHeader,
  type UndoLog,
  UndoParser,
} from './undo-log.ts';

/** Maximum number of manifests in a file: those of the largest repository. */
const MAX_MANIFESTS = 1_000_000;
/** Bytes that are read at a time. */
const READ_SIZE = 1 << 20;
const LINE_FEED = 10;

/** An undo log in a file. */
export interface UndoFile extends UndoLog {
  /** Removes the draft, if the file has not been committed. */
  discard(): Promise<void>;
}

/**
 * Creates an undo file. It appears under its name, complete and on disk, with {@link UndoLog.commit}. Until then it is a draft
 * next to it.
 *
 * @throws RegistryJobsError `UNDO_EXISTS` if a file of this name exists: it can be needed. Errors of the system.
 */
export async function createUndoFile(path: string, header: UndoHeader): Promise<UndoFile> {
  if (existsSync(path)) throw fileExists(path);
  const draft = `${path}.tmp-${process.pid}`;
  const file = await open(draft, 'wx', 0o600);
  const formatter = new UndoFormatter();
  let isOpen = true;
  const discard = async () => {
    if (!isOpen) return;
    isOpen = false;
    await file.close();
    await rm(draft, { force: true });
  };
  try {
    await file.appendFile(formatter.header(header));
  } catch (error) {
    await discard();
    throw error;
  }
  return {
    add: async (manifest) => file.appendFile(formatter.manifest(manifest)),
    async commit() {
      await file.appendFile(formatter.end());
      await file.sync();
      try {
        // Unlike a rename, fails if the file exists.
        await link(draft, path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw fileExists(path);
        // The file system has no hard links.
        await rename(draft, path);
      }
      await discard();
      await syncDirectory(dirname(path));
    },
    discard,
  };
}

function fileExists(path: string): RegistryJobsError {
  const message = `${path} exists. It can be the only copy of deleted manifests, so it is not replaced. Choose another name.`;
  return new RegistryJobsError('UNDO_EXISTS', message);
}

/** An undo file, whose manifests are read when they are needed. */
export interface SavedManifests {
  readonly header: UndoHeader;
  /** In the order of the file. `read` fails with `UNDO_INVALID` if the file has changed. */
  readonly manifests: readonly UndoEntry[];
}

/**
 * Checks an undo file completely. Keeps no contents, so that memory is needed only for the largest manifest and about 500 bytes for
 * each manifest.
 *
 * @throws RegistryJobsError `UNDO_INVALID` if it is another file, incomplete, or has a newer format; `LIMIT_EXCEEDED` for more than a
 * million manifests; errors of the system.
 */
export async function readUndoFile(path: string): Promise<SavedManifests> {
  const parser = new UndoParser(path);
  const manifests: UndoEntry[] = [];
  const file = await open(path, 'r');
  try {
    for await (const { text, start, length } of readLines(file, path)) {
      const manifest = parser.push(text);
      if (manifest === undefined) continue;
      manifests.push(toUndoEntry(manifest, () => readAgain(path, start, length, manifest.digest)));
      if (manifests.length <= MAX_MANIFESTS) continue;
      throw new RegistryJobsError('LIMIT_EXCEEDED', `${path} has more than ${MAX_MANIFESTS} manifests`);
    }
  } finally {
    await file.close();
  }
  return { header: parser.finish(), manifests };
}

/** Reads the content of a manifest from its line. */
async function readAgain(path: string, start: number, length: number, digest: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
    const manifest = parseUndoManifest(buffer.toString('utf8', 0, bytesRead), `${path} at byte ${start}`);
    if (manifest.digest === digest) return manifest.content;
    throw new RegistryJobsError('UNDO_INVALID', `${path} has changed. Run the command again.`);
  } finally {
    await file.close();
  }
}

interface TextLine {
  readonly text: string;
  /** Position in the file, in bytes. */
  readonly start: number;
  /** In bytes, without the line feed. */
  readonly length: number;
}

/** Yields the lines of a file. The last one may lack its line feed. */
async function* readLines(file: FileHandle, path: string): AsyncGenerator<TextLine, void, undefined> {
  const chunk = Buffer.alloc(READ_SIZE);
  let rest: Buffer = Buffer.alloc(0);
  let start = 0;
  for (let position = 0; ; ) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    let from = 0;
    for (let end = rest.indexOf(LINE_FEED); end !== -1; end = rest.indexOf(LINE_FEED, from)) {
      yield { text: rest.toString('utf8', from, end), start: start + from, length: end - from };
      from = end + 1;
    }
    rest = rest.subarray(from);
    start += from;
    if (rest.length <= MAX_UNDO_LINE) continue;
    const message = `${path} has a line of more than ${MAX_UNDO_LINE} bytes. It is not an undo file of "gc".`;
    throw new RegistryJobsError('UNDO_INVALID', message);
  }
  if (rest.length > 0) yield { text: rest.toString('utf8'), start, length: rest.length };
}

/** Makes a new name in a directory durable, if the system supports it. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(() => undefined);
  try {
    await directory?.sync();
  } catch {
    // Windows cannot open directories, and some file systems cannot sync them.
  } finally {
    await directory?.close();
  }
}
