import { type CallOptions, type Descriptor, type Fetcher, type RangeFetcher, readVerified } from '@soci/oci';
import {
  buildZtoc,
  decodeZtoc,
  type FileEntry,
  type LookupOptions,
  openZtoc,
  type RandomAccessSource,
  type ZtocReader,
} from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import { findZtoc, type SociDocument } from '../inspect/soci-document.ts';

/** A layer that files can be read from. */
export interface ImageLayer {
  /** Descriptor of the layer. */
  readonly layer: Descriptor;
  /** Reads the files of the layer. */
  readonly reader: ZtocReader;
}

/** A file of an image, in the topmost layer that has it: read it with `reader.openFile(entry)`. */
export interface ImageFile extends ImageLayer {
  /** Entry of the layer; `undefined` for a directory that the layer has no entry of, only files in it. */
  readonly entry: FileEntry | undefined;
}

/** One name in a directory of an image. */
export interface ImageDirectoryItem {
  /** Last segment of the path. */
  readonly name: string;
  /** Entry of the topmost layer; `undefined` for a directory that the layer has no entry of, only files in it. */
  readonly entry: FileEntry | undefined;
}

/** What an {@link ImageFilesystem} reads. */
export interface FilesystemSource {
  /** Holds the layers and the zTOCs. */
  readonly store: Fetcher & RangeFetcher;
  /** Layers, the base first. */
  readonly layers: readonly Descriptor[];
  /** SOCI indexes of the image. */
  readonly indexes: readonly SociDocument[];
  /** Bytes of the largest zTOC that is read. */
  readonly maxZtocSize: number;
  /** Ends all reading. */
  readonly signal: AbortSignal | undefined;
}

/** Symbolic links that are followed on the way to one file, as many as Linux follows (path_resolution(7)). */
const MAX_SYMLINKS = 40;

/** In a layer, hides the directory's content in the layers below. @see OCI image-spec v1.1, layer.md, "Opaque Whiteout" */
const OPAQUE_WHITEOUT = '.wh..wh..opq';
/** In a layer, before the name of what it removes from the layers below. @see the same, "Whiteouts" */
const WHITEOUT = '.wh.';

const decoder = new TextDecoder();

/**
 * The files of an image as a container sees them: its layers, one over the other, with whiteouts applied. A layer is read
 * through its zTOC, span by span. A layer without a zTOC is read once from start to end, when a path is first looked up
 * in it. Made by `openImageFilesystem`; several calls may run at the same time.
 *
 * Every method throws what the store throws, `ZtocError` if a zTOC or a layer is damaged, and the reason of the signal.
 */
export class ImageFilesystem {
  readonly #source: FilesystemSource;
  readonly #call: CallOptions;
  readonly #readers = new Map<Descriptor, Promise<ZtocReader>>();
  /** Layers, the base first. */
  readonly layers: readonly Descriptor[];
  #bytesRead = 0;

  /** Use `openImageFilesystem`, which finds the layers and the SOCI indexes of an image. */
  constructor(source: FilesystemSource) {
    this.#source = source;
    this.#call = source.signal === undefined ? {} : { signal: source.signal };
    this.layers = source.layers;
  }

  /** Bytes of layers that were read so far; zTOCs do not count. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /**
   * Finds the file at a path, in the topmost layer that has it. `a`, `./a` and `/a` are the same.
   *
   * @returns `undefined` if there is no such file, or a layer removes it.
   * @throws SociIndexError `SYMLINK_LOOP` if more than 40 symbolic links are to be followed.
   */
  async lookup(path: string, { followSymlinks = false }: LookupOptions = {}): Promise<ImageFile | undefined> {
    const reached = followSymlinks ? await this.realpath(path) : path;
    for (const layer of this.layers.toReversed()) {
      const reader = await this.#open(layer);
      const entry = reader.lookup(reached);
      if (entry !== undefined || reader.readdir(reached) !== undefined) return { layer, reader, entry };
      if (hidesBelow(reader, reached)) return undefined;
    }
    return undefined;
  }

  /**
   * Lists a directory, sorted by name (UTF-16). Symbolic links are not followed.
   *
   * @returns `undefined` if there is no such directory.
   */
  async readdir(path: string): Promise<readonly ImageDirectoryItem[] | undefined> {
    const items = new Map<string, ImageDirectoryItem>();
    const removed = new Set<string>();
    let isThere = false;
    for (const layer of this.layers.toReversed()) {
      const reader = await this.#open(layer);
      const listed = reader.readdir(path);
      isThere ||= listed !== undefined;
      const own = (listed ?? []).map(({ name, entry }) => ({ name: decoder.decode(name), entry }));
      for (const item of own) {
        const { name } = item;
        if (!name.startsWith(WHITEOUT) && !items.has(name) && !removed.has(name)) items.set(name, item);
      }
      // A layer removes from those below it only.
      for (const { name } of own) if (name.startsWith(WHITEOUT)) removed.add(name.slice(WHITEOUT.length));
      if (own.some(({ name }) => name === OPAQUE_WHITEOUT) || hidesBelow(reader, path)) break;
    }
    return isThere ? [...items.values()].sort((a, b) => (a.name < b.name ? -1 : 1)) : undefined;
  }

  /**
   * Follows the symbolic links of a path, at its end and in its directories. Absolute targets and `..` stay within the
   * image. The path need not exist.
   *
   * @returns the path without symbolic links, without a slash at its start; empty for the root.
   * @throws SociIndexError `SYMLINK_LOOP` after 40 links.
   */
  async realpath(path: string): Promise<string> {
    const pending = segmentsOf(path).reverse();
    let reached: string[] = [];
    let links = 0;
    for (let segment = pending.pop(); segment !== undefined; segment = pending.pop()) {
      if (segment === '..') {
        reached.pop();
        continue;
      }
      reached.push(segment);
      const file = await this.lookup(reached.join('/'));
      if (file?.entry?.type !== 'symlink') continue;
      if (++links > MAX_SYMLINKS) {
        throw new SociIndexError('SYMLINK_LOOP', `${path} leads through more than ${MAX_SYMLINKS} symbolic links`);
      }
      const target = decoder.decode(file.entry.linkName);
      reached = target.startsWith('/') ? [] : reached.slice(0, -1);
      pending.push(...segmentsOf(target).reverse());
    }
    return reached.join('/');
  }

  /** Opens the layers that have a zTOC, the base first. */
  indexedLayers(): Promise<readonly ImageLayer[]> {
    const indexed = this.layers.filter(({ digest }) => findZtoc(this.#source.indexes, digest) !== undefined);
    return Promise.all(indexed.map(async (layer) => ({ layer, reader: await this.#open(layer) })));
  }

  #open(layer: Descriptor): Promise<ZtocReader> {
    const reader = this.#readers.get(layer) ?? this.#openFirst(layer);
    this.#readers.set(layer, reader);
    return reader;
  }

  async #openFirst(layer: Descriptor): Promise<ZtocReader> {
    const { store, indexes, maxZtocSize } = this.#source;
    const listed = findZtoc(indexes, layer.digest);
    if (listed !== undefined) {
      const bytes = await readVerified(store, listed.descriptor, { ...this.#call, maxSize: maxZtocSize });
      return openZtoc(decodeZtoc(bytes), this.#rangesOf(layer));
    }
    this.#bytesRead += layer.size;
    const { ztoc } = await buildZtoc(store.fetch(layer, this.#call), this.#call);
    return openZtoc(ztoc, this.#rangesOf(layer));
  }

  #rangesOf(layer: Descriptor): RandomAccessSource {
    return {
      size: layer.size,
      read: (offset, length, { signal } = {}) => {
        this.#bytesRead += length;
        return this.#source.store.fetchRange(layer, { offset, length }, signal === undefined ? {} : { signal });
      },
    };
  }
}

/** Whether a layer takes a path away from the layers below: removes it or a directory above it, or makes one opaque. */
function hidesBelow(reader: ZtocReader, path: string): boolean {
  const segments = segmentsOf(path);
  return segments.some((name, depth) => {
    const parent = segments.slice(0, depth).reduce((path, segment) => `${path}${segment}/`, '');
    const directory = depth === 0 ? undefined : reader.lookup(parent);
    return (
      reader.lookup(parent + WHITEOUT + name) !== undefined ||
      reader.lookup(parent + OPAQUE_WHITEOUT) !== undefined ||
      (directory !== undefined && directory.type !== 'dir')
    );
  });
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '' && segment !== '.');
}
