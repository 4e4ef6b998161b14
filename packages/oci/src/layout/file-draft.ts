import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { CallOptions } from '../content.ts';
import { hasSystemCode, messageOf, OciError } from '../errors.ts';
import { readAgainIfDamaged } from '../read.ts';
import { wrapWriteError, writeAll } from './atomic-write.ts';
import { draftPath, removeAbandonedDrafts } from './draft-name.ts';

/** Maximum number of symbolic links to follow, as in Linux. */
const MAX_LINKS = 40;

/** How often to look for a reader of a named pipe, in milliseconds. */
const READER_POLL = 50;

/** Paths that name an open file of the process, such as `/dev/stdout`. */
const OPEN_FILE = /^\/(?:dev\/(?:stdout|stderr|fd\/\d+)|proc\/(?:self|\d+)\/fd\/\d+)$/;

/** Content of a file: returns its chunks, from the start, each time it is called. */
export type FileContent = () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/**
 * Creates a draft of a file. If `path` is a symbolic link, the file that it names is written. A regular file is written
 * next to its place and renamed when it is committed, with the permissions of the file that it replaces. A device, a
 * named pipe, or an open file such as `/dev/stdout` is written in place. Removes drafts of killed processes.
 *
 * @throws OciError `WRITE_FAILED` if `path` is a directory or cannot be written
 */
export async function createFile(path: string): Promise<FileDraft> {
  const absolute = resolve(path);
  if (OPEN_FILE.test(absolute)) return new FileDraft(path, { path: absolute, isReplaced: false });
  const existing = await wrapWriteError(path, statIfExists(absolute));
  if (existing?.isDirectory()) throw new OciError('WRITE_FAILED', `cannot write ${path}: it is a directory`);
  if (existing && !existing.isFile()) return new FileDraft(path, { path: absolute, isReplaced: false });
  const target = await wrapWriteError(path, existing ? realpath(absolute) : followLinks(absolute));
  await removeAbandonedDrafts(dirname(target));
  return new FileDraft(path, { path: target, isReplaced: true, ...(existing && { mode: existing.mode & 0o777 }) });
}

/** Where a {@link FileDraft} is written. */
interface Target {
  /** Absolute path, without a symbolic link if the file is replaced. */
  readonly path: string;
  /** Whether a new file replaces what is there. If not, the existing device, pipe or open file is written in place. */
  readonly isReplaced: boolean;
  /** Permissions of the file that is replaced. @default those of new files */
  readonly mode?: number;
}

/** A file that is being written. Call {@link FileDraft.commit} or {@link FileDraft.discard} at the end. */
export class FileDraft {
  readonly #name: string;
  readonly #target: Target;
  /** Path of the draft, once it exists. */
  #draft: string | undefined;

  /** Use {@link createFile}. */
  constructor(name: string, target: Target) {
    this.#name = name;
    this.#target = target;
  }

  /**
   * Writes the content, and writes it again, once, if it is damaged. What is written in place is not written again.
   * Waits until a named pipe has a reader.
   *
   * @throws OciError `WRITE_FAILED`; errors of `content`, unchanged; the reason of the signal.
   */
  async write(content: FileContent, options: CallOptions = {}): Promise<void> {
    if (this.#target.isReplaced) await readAgainIfDamaged(() => this.#writeDraft(content()));
    else await this.#writeInPlace(content(), options);
  }

  /** Makes the file visible. Does nothing if it was written in place. @throws OciError `WRITE_FAILED` */
  async commit(): Promise<void> {
    if (this.#draft === undefined) return;
    const { path } = this.#target;
    const existing = await lstat(path).catch(() => undefined);
    if (existing && !existing.isFile()) {
      throw new OciError('WRITE_FAILED', `cannot write ${this.#name}: something else than a file was created there`);
    }
    await wrapWriteError(this.#name, rename(this.#draft, path));
    this.#draft = undefined;
  }

  /** Removes the draft. Does nothing after {@link FileDraft.commit}, so call it in `finally`. */
  async discard(): Promise<void> {
    if (this.#draft !== undefined) await rm(this.#draft, { force: true });
    this.#draft = undefined;
  }

  async #writeDraft(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const { path, mode } = this.#target;
    await this.discard();
    const draft = draftPath(path);
    const file = await wrapWriteError(this.#name, open(draft, 'wx'));
    this.#draft = draft;
    try {
      if (mode !== undefined) await wrapWriteError(this.#name, file.chmod(mode));
      for await (const chunk of chunks) await wrapWriteError(this.#name, writeAll(file, chunk));
    } finally {
      await file.close();
    }
  }

  async #writeInPlace(
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    { signal }: CallOptions,
  ): Promise<void> {
    const file = await this.#openInPlace(signal);
    try {
      for await (const chunk of chunks) await wrapWriteError(this.#name, writeAll(file, chunk));
    } finally {
      await file.close();
    }
  }

  async #openInPlace(signal: AbortSignal | undefined): Promise<FileHandle> {
    const { path } = this.#target;
    // What the shell appends to (`>> file`) keeps its content.
    const flags = constants.O_WRONLY | (OPEN_FILE.test(path) ? constants.O_APPEND : 0);
    let probe: FileHandle | undefined;
    try {
      // Opening a named pipe blocks a thread until it has a reader, so look for one first.
      while (await this.#isPipe()) {
        probe = await this.#openIfRead();
        if (probe !== undefined) break;
        await setTimeout(READER_POLL, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
      }
      return await wrapWriteError(this.#name, open(path, flags));
    } finally {
      // Not earlier: without a writer, the reader would end.
      await probe?.close();
    }
  }

  async #isPipe(): Promise<boolean> {
    const { path } = this.#target;
    return !OPEN_FILE.test(path) && (await wrapWriteError(this.#name, stat(path))).isFIFO();
  }

  /** Opens a named pipe if it has a reader. */
  async #openIfRead(): Promise<FileHandle | undefined> {
    try {
      return await open(this.#target.path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (cause) {
      if (hasSystemCode(cause, 'ENXIO')) return undefined;
      throw new OciError('WRITE_FAILED', `cannot write ${this.#name}: ${messageOf(cause)}`, { cause });
    }
  }
}

async function statIfExists(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Returns the path that a chain of symbolic links leads to. No file exists there yet. */
async function followLinks(path: string): Promise<string> {
  let target = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    const link = await readlink(target).catch(() => undefined);
    if (link === undefined) break;
    target = resolve(await realpath(dirname(target)), link);
  }
  return target;
}
