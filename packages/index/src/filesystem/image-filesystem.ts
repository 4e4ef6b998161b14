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

/** A layer with a reader for its files. */
export interface ImageLayer {
  /** Descriptor of the layer. */
  readonly layer: Descriptor;
  /** Reads the files of the layer. */
  readonly reader: ZtocReader;
}

/** A file of an image, in the topmost layer that contains it. Read it with `reader.openFile(entry)`. */
export interface ImageFile extends ImageLayer {
  /** Entry in the layer. `undefined` for a directory without an entry of its own. */
  readonly entry: FileEntry | undefined;
}

/** A file of an image, with the position of its layer. */
interface FoundFile extends ImageFile {
  readonly position: number;
}

/** An item of a directory of an image. */
export interface ImageDirectoryItem {
  /** Last segment of the path. */
  readonly name: string;
  /** Entry in the topmost layer. `undefined` for a directory without an entry of its own. */
  readonly entry: FileEntry | undefined;
}

/** Content that an {@link ImageFilesystem} reads. */
export interface FilesystemSource {
  /** Store of the layers and zTOCs. */
  readonly store: Fetcher & RangeFetcher;
  /** Layers, base layer first. */
  readonly layers: readonly Descriptor[];
  /** SOCI indexes of the image. */
  readonly indexes: readonly SociDocument[];
  /** Maximum size of a zTOC, in bytes. */
  readonly maxZtocSize: number;
  /** Aborts all reads. */
  readonly signal: AbortSignal | undefined;
}

/** Maximum number of symbolic links in the resolution of one path, as in Linux (path_resolution(7)). */
const MAX_SYMLINKS = 40;

/** Entry that hides the contents of its directory in lower layers. @see OCI image-spec v1.1, layer.md, "Opaque Whiteout" */
const OPAQUE_WHITEOUT = '.wh..wh..opq';
/** Prefix of an entry that removes a file of lower layers. @see OCI image-spec v1.1, layer.md, "Whiteouts" */
const WHITEOUT = '.wh.';

const decoder = new TextDecoder();

/**
 * The files of an image as a container sees them: the merged layers, with whiteouts applied. Files are read through the
 * zTOC of their layer. A layer without a zTOC is read once from start to end, when a path is first looked up in it.
 * Create it with `openImageFilesystem`. Methods may run concurrently.
 *
 * All methods throw errors of the store, `ZtocError` if a zTOC or layer is damaged, and the abort reason of the signal.
 */
export class ImageFilesystem {
  readonly #source: FilesystemSource;
  readonly #call: CallOptions;
  /** Readers by layer digest: an image can contain a layer several times. */
  readonly #readers = new Map<string, Promise<ZtocReader>>();
  /** Layers, base layer first. */
  readonly layers: readonly Descriptor[];
  #bytesRead = 0;

  /** Use `openImageFilesystem` instead. It finds the layers and SOCI indexes of an image. */
  constructor(source: FilesystemSource) {
    this.#source = source;
    this.#call = source.signal === undefined ? {} : { signal: source.signal };
    this.layers = source.layers;
  }

  /** Number of layer bytes read so far, without zTOCs. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /**
   * Finds the file at a path, in the topmost layer that contains it. `a`, `./a` and `/a` are the same path.
   *
   * With `followSymlinks`, hard links to files of lower layers are followed too: the result is the file with the content.
   *
   * @returns The file, or `undefined` if it does not exist.
   * @throws SociIndexError `SYMLINK_LOOP` if the path has more than 40 symbolic links.
   */
  async lookup(path: string, { followSymlinks = false }: LookupOptions = {}): Promise<ImageFile | undefined> {
    const all = this.layers.length;
    const found = followSymlinks
      ? await this.#followHardLinks(await this.#find(await this.#resolve(path, all), all))
      : await this.#find(path, all);
    if (found === undefined) return undefined;
    const { layer, reader, entry } = found;
    return { layer, reader, entry };
  }

  /**
   * Lists a directory, sorted by name (UTF-16). Does not follow symbolic links.
   *
   * @returns The items, or `undefined` if the directory does not exist.
   */
  async readdir(path: string): Promise<readonly ImageDirectoryItem[] | undefined> {
    const items = new Map<string, ImageDirectoryItem>();
    const removed = new Set<string>();
    let exists = false;
    for (const { layer } of this.#distinctLayers(this.layers.length)) {
      const reader = await this.#open(layer);
      const listed = reader.readdir(path);
      exists ||= listed !== undefined;
      const own = (listed ?? []).map(({ name, entry }) => ({ name: decoder.decode(name), entry }));
      for (const item of own) {
        const { name } = item;
        if (!name.startsWith(WHITEOUT) && !items.has(name) && !removed.has(name)) items.set(name, item);
      }
      // A whiteout removes only files of lower layers, not of its own layer.
      for (const { name } of own) if (name.startsWith(WHITEOUT)) removed.add(name.slice(WHITEOUT.length));
      if (own.some(({ name }) => name === OPAQUE_WHITEOUT) || hidesLowerLayers(reader, path)) break;
    }
    return exists ? [...items.values()].sort((a, b) => (a.name < b.name ? -1 : 1)) : undefined;
  }

  /**
   * Resolves all symbolic links of a path. Absolute targets and `..` stay within the image. The path need not exist.
   *
   * @returns The path without symbolic links and without a leading slash. Empty for the root.
   * @throws SociIndexError `SYMLINK_LOOP` if the path has more than 40 symbolic links.
   */
  realpath(path: string): Promise<string> {
    return this.#resolve(path, this.layers.length);
  }

  /** Opens the layers that have a zTOC, base layer first. */
  indexedLayers(): Promise<readonly ImageLayer[]> {
    const indexed = this.layers.filter(({ digest }) => findZtoc(this.#source.indexes, digest) !== undefined);
    return Promise.all(indexed.map(async (layer) => ({ layer, reader: await this.#open(layer) })));
  }

  /**
   * Yields the first `count` layers, topmost first. Skips a layer that was yielded before: it contains and hides the same
   * paths again.
   */
  *#distinctLayers(count: number): Generator<{ readonly layer: Descriptor; readonly position: number }> {
    const seen = new Set<string>();
    for (let position = count - 1; position >= 0; position--) {
      const layer = this.layers[position] as Descriptor;
      if (seen.has(layer.digest)) continue;
      seen.add(layer.digest);
      yield { layer, position };
    }
  }

  /** Finds a path in the first `count` layers. Does not follow links. */
  async #find(path: string, count: number): Promise<FoundFile | undefined> {
    for (const { layer, position } of this.#distinctLayers(count)) {
      const reader = await this.#open(layer);
      const entry = reader.lookup(path);
      if (entry !== undefined || reader.readdir(path) !== undefined) return { layer, reader, entry, position };
      if (hidesLowerLayers(reader, path)) return undefined;
    }
    return undefined;
  }

  /** Resolves all symbolic links of a path in the first `count` layers. A hard link to a symbolic link counts as one. */
  async #resolve(path: string, count: number): Promise<string> {
    const pending = segmentsOf(path).reverse();
    let reached: string[] = [];
    let links = 0;
    for (let segment = pending.pop(); segment !== undefined; segment = pending.pop()) {
      if (segment === '..') {
        reached.pop();
        continue;
      }
      reached.push(segment);
      const file = await this.#followHardLinks(await this.#find(reached.join('/'), count));
      if (file?.entry?.type !== 'symlink') continue;
      if (++links > MAX_SYMLINKS) {
        throw new SociIndexError('SYMLINK_LOOP', `${path} has more than ${MAX_SYMLINKS} symbolic links`);
      }
      const target = decoder.decode(file.entry.linkName);
      reached = target.startsWith('/') ? [] : reached.slice(0, -1);
      pending.push(...segmentsOf(target).reverse());
    }
    return reached.join('/');
  }

  /**
   * Follows hard links, also into lower layers, as on extraction: the target is an earlier entry of the same layer, or
   * what the layers below contain, before the whiteouts of this layer and of upper layers. Symbolic links in the
   * directories of the target are followed, as by containerd (archive/tar.go, `hardlinkRootPath`). Returns a link whose
   * target does not exist unchanged. Reading it fails.
   */
  async #followHardLinks(file: FoundFile | undefined): Promise<FoundFile | undefined> {
    let found = file;
    while (found?.entry?.type === 'hardlink') {
      const { reader, position, entry: link } = found;
      const entry = reader.hardLinkTarget(link);
      if (entry !== undefined) {
        found = { ...found, entry };
        continue;
      }
      const segments = segmentsOf(decoder.decode(link.linkName));
      const directory = await this.#resolve(segments.slice(0, -1).join('/'), position);
      const target = await this.#find(`${directory}/${segments.at(-1) ?? ''}`, position);
      if (target?.entry === undefined) return found;
      found = target;
    }
    return found;
  }

  #open(layer: Descriptor): Promise<ZtocReader> {
    const reader = this.#readers.get(layer.digest) ?? this.#openFirst(layer);
    this.#readers.set(layer.digest, reader);
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

/** Returns whether a layer hides a path of lower layers: it removes or replaces the path or a parent directory. */
function hidesLowerLayers(reader: ZtocReader, path: string): boolean {
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
