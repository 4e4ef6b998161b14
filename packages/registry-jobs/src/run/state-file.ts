import { type FileHandle, open } from 'node:fs/promises';
import { escapeJson, quoteText } from '@soci/oci';
import { RegistryJobsError } from '../errors.ts';
import type { ImagePlan, SkippedImage } from '../plan/image-plan.ts';
import type { FinishedImage } from './image-outcome.ts';
import { type FileLock, lockFile } from './lock-file.ts';

/** Version of the format of state files. */
const SCHEMA_VERSION = 1;

/** Maximum length of a line in characters. */
const MAX_LINE = 64 << 10;
/** Bytes that are read at a time. */
const READ_SIZE = 1 << 20;
const LINE_FEED = 10;

/** What identifies the runs that can continue each other. */
export interface StateIdentity {
  /** Host of the registry. */
  readonly host: string;
  /** Digest of the settings that determine outcomes. Outcomes of runs with other settings do not count. */
  readonly policy: string;
  /** Name and version of the program, for information. */
  readonly program: string;
}

/**
 * A state file: JSON Lines, one for each run and one for each finished image. It is locked until it is closed. A line is written
 * to the disk before its image counts as finished.
 */
export interface StateFile {
  readonly path: string;
  /** What the user should know: a line that was cut and is removed, a lock that was taken over. */
  readonly notes: readonly string[];
  /** Number of images that earlier runs with the same settings finished. */
  readonly finished: number;
  /**
   * Returns whether an earlier run has finished the image, so that it needs no other try. An image whose index is missing although
   * the file says that it was pushed is not finished: the index was deleted. A current image is finished if a run indexed it.
   */
  isFinished(item: Exclude<ImagePlan, SkippedImage>): boolean;
  /** Writes the line of an image. */
  record(image: FinishedImage): Promise<void>;
  /** Waits for what is being written, closes the file and releases the lock. */
  close(): Promise<void>;
}

/**
 * Opens or creates a state file, and locks it. Removes an incomplete last line, which a crash leaves behind.
 *
 * @throws RegistryJobsError `STATE_LOCKED`; `STATE_INVALID` if the file is of something else, of another registry, damaged before its
 * last line, or of a newer version; system errors.
 */
export async function openStateFile(path: string, identity: StateIdentity): Promise<StateFile> {
  const lock = await lockFile(path);
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'a+');
    return await OpenStateFile.read(path, file, lock, identity);
  } catch (error) {
    await file?.close();
    await lock.release();
    throw error;
  }
}

type RecordedOutcome = Pick<FinishedImage, 'outcome' | 'reason'>;

class OpenStateFile implements StateFile {
  readonly path: string;
  readonly notes: string[];
  readonly #file: FileHandle;
  readonly #lock: FileLock;
  /** Last outcome of each image in runs with the same settings. */
  readonly #outcomes = new Map<string, RecordedOutcome>();
  #pending: string[] = [];
  #writing: Promise<void> | undefined;

  private constructor(path: string, file: FileHandle, lock: FileLock) {
    this.path = path;
    this.notes = [...lock.notes];
    this.#file = file;
    this.#lock = lock;
  }

  static async read(path: string, file: FileHandle, lock: FileLock, identity: StateIdentity): Promise<StateFile> {
    const state = new OpenStateFile(path, file, lock);
    await state.#read(identity);
    const { host, policy, program } = identity;
    const startedAt = new Date().toISOString();
    await state.#write({ type: 'run', schemaVersion: SCHEMA_VERSION, host, policy, program, startedAt });
    return state;
  }

  get finished(): number {
    return this.#outcomes.size;
  }

  isFinished(item: Exclude<ImagePlan, SkippedImage>): boolean {
    const { outcome, reason } = this.#outcomes.get(keyOf(item)) ?? {};
    if (outcome === undefined || outcome === 'failed') return false;
    const hasIndex = outcome === 'indexed' || reason === 'already-indexed';
    if (!hasIndex || item.reason === 'not-visible') return true;
    // Compared by an earlier run, or by this one's plan.
    return outcome === 'indexed' ? item.action === 'current' : item.reason === 'unmarked';
  }

  async record(image: FinishedImage): Promise<void> {
    await this.#write({ type: 'image', ...image, finishedAt: new Date().toISOString() });
    this.#remember(image);
  }

  async close(): Promise<void> {
    await this.#writing?.catch(() => {});
    await this.#file.close();
    await this.#lock.release();
  }

  #remember(image: ImageLine): void {
    const { outcome, reason } = image;
    this.#outcomes.set(keyOf(image), reason === undefined ? { outcome } : { outcome, reason });
  }

  /** Writes a line. Lines that arrive while others are written are written together. */
  async #write(value: object): Promise<void> {
    this.#pending.push(`${escapeJson(JSON.stringify(value))}\n`);
    const previous = this.#writing ?? Promise.resolve();
    const mine = previous.catch(() => {}).then(() => this.#flush());
    this.#writing = mine;
    await mine;
  }

  async #flush(): Promise<void> {
    const lines = this.#pending.splice(0).join('');
    if (lines === '') return;
    await this.#file.appendFile(lines);
    await this.#file.datasync();
  }

  async #read(identity: StateIdentity): Promise<void> {
    const { size } = await this.#file.stat();
    let number = 0;
    let counts = false;
    for await (const { text, start, isComplete } of readLines(this.#file)) {
      number++;
      const isLast = start + Buffer.byteLength(text) + 1 >= size;
      const line = isComplete ? parseLine(text) : undefined;
      if (line === undefined && isLast && (number > 1 || text.startsWith('{"type":"run"'))) {
        await this.#file.truncate(start);
        this.notes.push(`${this.path}: removed the last line, which was cut (${size - start} bytes)`);
        return;
      }
      if (line === undefined || (number === 1 && line.type !== 'run')) {
        throw this.#invalid(`line ${number} is not one of a state file: ${quoteText(text)}`);
      }
      if (line.type === 'run') counts = this.#checkRun(line, identity, number);
      else if (counts) this.#remember(line);
    }
  }

  /** Returns whether the outcomes after the line count. */
  #checkRun(run: RunLine, { host, policy }: StateIdentity, number: number): boolean {
    if (run.schemaVersion > SCHEMA_VERSION) {
      throw this.#invalid(
        `line ${number} has schema version ${run.schemaVersion}, which is newer than ${SCHEMA_VERSION}`,
      );
    }
    if (run.host !== host) throw this.#invalid(`it belongs to the registry ${quoteText(run.host)}, not ${host}`);
    return run.policy === policy;
  }

  #invalid(problem: string): RegistryJobsError {
    return new RegistryJobsError('STATE_INVALID', `${this.path}: ${problem}. Use another state file`);
  }
}

/** A line of a state file, as far as it is read. */
type StateLine = RunLine | ({ readonly type: 'image' } & ImageLine);

type ImageLine = Pick<FinishedImage, 'repository' | 'tag' | 'digest' | 'outcome' | 'reason'>;

interface RunLine {
  readonly type: 'run';
  readonly schemaVersion: number;
  readonly host: string;
  readonly policy: string;
}

function keyOf({ repository, tag, digest }: Pick<FinishedImage, 'repository' | 'tag' | 'digest'>): string {
  return `${repository}:${tag}@${digest}`;
}

/** Returns undefined for a line that is not valid. */
function parseLine(text: string): StateLine | undefined {
  let line: Record<string, unknown>;
  try {
    line = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const hasTexts = (...names: readonly string[]) => names.every((name) => typeof line[name] === 'string');
  if (typeof line !== 'object' || line === null) return undefined;
  const isRun = line.type === 'run' && Number.isSafeInteger(line.schemaVersion) && hasTexts('host', 'policy');
  const isImage = line.type === 'image' && hasTexts('repository', 'tag', 'digest', 'outcome');
  return isRun || isImage ? (line as unknown as StateLine) : undefined;
}

interface TextLine {
  readonly text: string;
  /** Position in the file, in bytes. */
  readonly start: number;
  /** Whether it ends with a line feed. */
  readonly isComplete: boolean;
}

/** Yields the lines of a file. A line that is too long ends it, and is not complete. */
async function* readLines(file: FileHandle): AsyncGenerator<TextLine, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  let start = 0;
  const chunk = Buffer.alloc(READ_SIZE);
  for (let position = 0; rest.length <= MAX_LINE; ) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    let from = 0;
    for (let end = rest.indexOf(LINE_FEED); end !== -1; end = rest.indexOf(LINE_FEED, from)) {
      yield { text: rest.toString('utf8', from, end), start: start + from, isComplete: true };
      from = end + 1;
    }
    rest = rest.subarray(from);
    start += from;
  }
  if (rest.length > 0) yield { text: rest.toString('utf8', 0, MAX_LINE), start, isComplete: false };
}
