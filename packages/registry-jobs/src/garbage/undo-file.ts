import { createReadStream, existsSync } from 'node:fs';
import { link, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RegistryJobsError } from '../errors.ts';
import {
  MAX_UNDO_LINE,
  type ParsedUndoLog,
  parseUndoLog,
  UndoFormatter,
  type UndoHeader,
  type UndoLog,
} from './undo-log.ts';

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

/** Reads an undo file. @throws RegistryJobsError `UNDO_INVALID`, see {@link parseUndoLog}; errors of the system. */
export async function readUndoFile(path: string): Promise<ParsedUndoLog> {
  return parseUndoLog(readLines(path), path);
}

/** Yields the lines of a file. The last one may lack its line feed. */
async function* readLines(path: string): AsyncGenerator<string, void, undefined> {
  let rest = '';
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    if (rest.length > MAX_UNDO_LINE) {
      const message = `${path} has a line of more than ${MAX_UNDO_LINE} characters. It is not an undo file of "gc".`;
      throw new RegistryJobsError('UNDO_INVALID', message);
    }
  }
  if (rest !== '') yield rest;
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
