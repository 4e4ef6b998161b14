import type { FileEntry } from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import type { ImageFile, ImageFilesystem } from '../filesystem/image-filesystem.ts';
import { isContentError } from '../filesystem/read-layer.ts';
import type { PredictionBudget } from './limits.ts';

/** A regular file of an image. */
export interface FoundFile {
  /** Absolute path without symbolic links. */
  readonly path: string;
  /** Size in bytes. */
  readonly size: number;
  /** Modification time in seconds since 1970. `undefined` if it is not known. */
  readonly modified: number | undefined;
  readonly file: ImageFile & { readonly entry: FileEntry };
}

/** A directory: its path without symbolic links, and the entries by name. A directory may have no entry of its own. */
interface Directory {
  readonly path: string;
  readonly items: ReadonlyMap<string, FileEntry | undefined>;
}

/** Maximum number of symbolic links on one path, as in Linux. */
const MAX_LINKS = 40;
/** Maximum length of a path in UTF-16 units, as in Linux. */
const MAX_PATH = 4096;

const decoder = new TextDecoder();

/**
 * Looks up and reads files of an image within a budget. What cannot be read, because it does not exist, is damaged, or
 * exceeds the budget, is `undefined`. Directories are listed once.
 *
 * Throws errors of the store that are not about the content of the image, and the abort reason of the signal.
 */
export class ImageFiles {
  readonly #files: ImageFilesystem;
  readonly #budget: PredictionBudget;
  readonly #directories = new Map<string, Promise<ReadonlyMap<string, FileEntry | undefined> | undefined>>();
  readonly #found = new Map<string, Promise<FoundFile | undefined>>();

  constructor(files: ImageFilesystem, budget: PredictionBudget) {
    this.#files = files;
    this.#budget = budget;
  }

  /** Finds a regular file. Follows all links. @param path - Absolute path. */
  async find(path: string): Promise<FoundFile | undefined> {
    const reached = await this.#resolve(path);
    if (reached?.entry === undefined || (reached.entry.type !== 'reg' && reached.entry.type !== 'hardlink')) return;
    const found = this.#found.get(reached.path) ?? this.#open(reached.path);
    this.#found.set(reached.path, found);
    return found;
  }

  /** Lists a directory. Follows all links. @returns The names, or `undefined` if the directory does not exist. */
  async list(path: string): Promise<readonly string[] | undefined> {
    const reached = await this.#resolve(path);
    if (reached === undefined || (reached.entry !== undefined && reached.entry.type !== 'dir')) return undefined;
    const items = await this.#list(reached.path);
    return items && [...items.keys()];
  }

  /** Returns the path without symbolic links, or `undefined` if nothing exists at the path. */
  async realpath(path: string): Promise<string | undefined> {
    return (await this.#resolve(path))?.path;
  }

  /** Reads at most `length` bytes of a file. @returns Fewer bytes at the end of the file. */
  async read({ file }: FoundFile, offset: number, length: number): Promise<Uint8Array | undefined> {
    if (!this.#budget.takeBytes(length)) return undefined;
    const { signal } = this.#budget;
    try {
      return await file.reader.readFileRange(file.entry, offset, length, signal === undefined ? {} : { signal });
    } catch (error) {
      if (isContentError(error)) return undefined;
      throw error;
    }
  }

  /** Reads the beginning of a file as text. @param maxSize - In bytes. Invalid UTF-8 is replaced. */
  async readText(file: FoundFile, maxSize: number): Promise<string | undefined> {
    const bytes = await this.read(file, 0, Math.min(file.size, maxSize));
    return bytes && decoder.decode(bytes);
  }

  /** Resolves all links of a path. */
  async #resolve(path: string): Promise<{ path: string; entry: FileEntry | undefined } | undefined> {
    if (path.length > MAX_PATH || path.includes('\0')) return undefined;
    const pending = path.split('/').reverse();
    let directory: Directory | undefined = await this.#directory('');
    let reached = '';
    let entry: FileEntry | undefined;
    let links = 0;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === '' || name === '.') continue;
      directory ??= await this.#directory(reached);
      if (directory === undefined) return undefined;
      if (name === '..') {
        reached = reached.slice(0, Math.max(reached.lastIndexOf('/'), 0));
        [directory, entry] = [undefined, undefined];
        continue;
      }
      if (!directory.items.has(name)) return undefined;
      entry = directory.items.get(name);
      if (entry?.type === 'symlink') {
        const target = decoder.decode(entry.linkName);
        if (++links > MAX_LINKS || target.length > MAX_PATH || pending.length > MAX_PATH) return undefined;
        pending.push(...target.split('/').reverse());
        entry = undefined;
        if (target.startsWith('/')) [directory, reached] = [undefined, ''];
        continue;
      }
      reached = `${directory.path}/${name}`;
      if (reached.length > MAX_PATH) return undefined;
      directory = undefined;
      if (entry !== undefined && entry.type !== 'dir' && pending.some((each) => each !== '' && each !== '.')) return;
    }
    return { path: reached, entry };
  }

  async #directory(path: string): Promise<Directory | undefined> {
    const items = await this.#list(path);
    return items && { path, items };
  }

  #list(path: string): Promise<ReadonlyMap<string, FileEntry | undefined> | undefined> {
    const listing = this.#directories.get(path) ?? this.#readDirectory(path);
    this.#directories.set(path, listing);
    return listing;
  }

  async #readDirectory(path: string): Promise<ReadonlyMap<string, FileEntry | undefined> | undefined> {
    if (!this.#budget.takeDirectory()) return undefined;
    const items = await orMissing(this.#files.readdir(path));
    // A name that is not UTF-8 has no path in a profile.
    return (
      items && new Map(items.filter(({ name }) => !name.includes('\ufffd')).map(({ name, entry }) => [name, entry]))
    );
  }

  async #open(path: string): Promise<FoundFile | undefined> {
    // The path has no symbolic links. To look for them in each directory takes longer.
    let file = await orMissing(this.#files.lookup(path));
    if (file?.entry?.type === 'hardlink') {
      file = await orMissing(this.#files.lookup(path, { followSymlinks: true }));
    }
    if (file?.entry?.type !== 'reg') return undefined;
    const { entry } = file;
    const modified = Date.parse(entry.modTime) / 1000;
    return {
      path,
      size: entry.uncompressedSize,
      modified: Number.isNaN(modified) ? undefined : Math.floor(modified),
      file: { ...file, entry },
    };
  }
}

/** Returns `undefined` for what an image does not have, or has in a layer that cannot be read. */
async function orMissing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    const isMissing = error instanceof SociIndexError && ['LAYER_UNREADABLE', 'SYMLINK_LOOP'].includes(error.code);
    if (isMissing || isContentError(error)) return undefined;
    throw error;
  }
}
