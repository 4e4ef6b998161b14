import { type CallOptions, type Descriptor, type Fetcher, quoteText, type RangeFetcher, readVerified } from '@soci/oci';
import {
  decodeZtoc,
  type FileEntry,
  filesMemory,
  type LookupOptions,
  openZtoc,
  type RandomAccessSource,
  type ZtocReader,
} from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import { findZtoc, type SociDocument, type ZtocReference } from '../inspect/soci-document.ts';
import { isContentError, type LayerStore, rangesOf, readLayer } from './read-layer.ts';

/** Maximum memory for the files of all layers, in bytes: that of `decodeZtoc` for one layer, two million files. */
const MAX_FILES_MEMORY = 2 ** 30;

/** A layer with a reader for its files. */
export interface ImageLayer {
  /** Descriptor of the layer. */
  readonly layer: Descriptor;
  /** Reads the files of the layer. */
  readonly reader: ZtocReader;
}

/** A layer whose files are unknown: it is encrypted, damaged, missing, or in an unsupported format. */
export interface UnreadableLayer {
  /** Descriptor of the layer. */
  readonly layer: Descriptor;
  /** Why the layer cannot be read. Contains its digest. */
  readonly message: string;
}

/** A file of an image, in the topmost readable layer that contains it. Read it with `reader.openFile(entry)`. */
export interface ImageFile extends ImageLayer {
  /** Entry in the layer. `undefined` for a directory without an entry of its own. */
  readonly entry: FileEntry | undefined;
  /** Layers that may remove or replace the file, or a link or directory on the way to it. */
  readonly unreadableLayers: readonly UnreadableLayer[];
}

/** A file of an image, with the position of its layer. */
interface FoundFile extends Omit<ImageFile, 'unreadableLayers'> {
  readonly position: number;
}

/** Unreadable layers above the files of one lookup. */
type Unreadable = Set<UnreadableLayer>;

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
  /** Image configuration. @default unknown */
  readonly config?: Descriptor;
  /** SOCI indexes of the image. */
  readonly indexes: readonly SociDocument[];
  /** Maximum size of a zTOC, in bytes. */
  readonly maxZtocSize: number;
  /**
   * Opens a layer whose zTOC is in memory.
   *
   * @default all layers are opened through `indexes`
   */
  readonly openBuilt?: (layer: Descriptor, source: RandomAccessSource) => ZtocReader | undefined;
  /** Maximum number of spans of a zTOC. @default that of `decodeZtoc` */
  readonly maxSpans?: number | undefined;
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
 * zTOC of their layer. A layer without a valid zTOC is read once from start to end, when a path is first looked up in it:
 * gzip, zstd or tar. A layer that cannot be read does not hide the files of others: see {@link unreadableLayers}.
 * Create it with `openImageFilesystem`. Methods may run concurrently.
 *
 * All methods throw errors of the store, and the abort reason of the signal.
 */
export class ImageFilesystem {
  readonly #source: FilesystemSource;
  readonly #reading: LayerStore;
  /** Readers by layer digest: an image can contain a layer several times. */
  readonly #readers = new Map<string, Promise<ZtocReader | UnreadableLayer>>();
  /** Readers of zTOCs by layer digest. */
  readonly #indexed = new Map<string, Promise<ZtocReader>>();
  readonly #unreadable = new Map<string, UnreadableLayer>();
  /** For each directory that was searched in a layer, whether the layer hides all of it in lower layers. */
  readonly #hiding = new Map<ZtocReader, Map<string, boolean>>();
  /** Memory for the files of the layers that are open, in bytes. */
  #filesMemory = 0;
  /** Layers, base layer first. */
  readonly layers: readonly Descriptor[];
  /** Image configuration, if known. */
  readonly config: Descriptor | undefined;
  #bytesRead = 0;

  /** Use `openImageFilesystem` instead. It finds the layers and SOCI indexes of an image. */
  constructor(source: FilesystemSource) {
    this.#source = source;
    const call: CallOptions = source.signal === undefined ? {} : { signal: source.signal };
    this.#reading = { store: source.store, call, onRead: (bytes) => (this.#bytesRead += bytes) };
    this.layers = source.layers;
    this.config = source.config;
  }

  /** Number of layer bytes read so far, without zTOCs. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** The layers that could not be read so far. Their files are unknown, and they may remove or replace files below. */
  get unreadableLayers(): readonly UnreadableLayer[] {
    return [...this.#unreadable.values()];
  }

  /**
   * Finds the file at a path, in the topmost readable layer that contains it. `a`, `./a` and `/a` are the same path.
   *
   * With `followSymlinks`, hard links to files of lower layers are followed too: the result is the file with the content.
   *
   * @returns The file, or `undefined` if it does not exist.
   * @throws SociIndexError `SYMLINK_LOOP` if the path has more than 40 symbolic links; `LAYER_UNREADABLE` if no readable
   *   layer has the file, but an unreadable layer may have it.
   */
  async lookup(path: string, { followSymlinks = false }: LookupOptions = {}): Promise<ImageFile | undefined> {
    const all = this.layers.length;
    const unreadable: Unreadable = new Set();
    const found = followSymlinks
      ? await this.#followHardLinks(
          await this.#find(await this.#resolve(path, all, unreadable), all, unreadable),
          unreadable,
        )
      : await this.#find(path, all, unreadable);
    if (found === undefined) return throwIfUnreadable(path, unreadable);
    const { layer, reader, entry } = found;
    return { layer, reader, entry, unreadableLayers: [...unreadable] };
  }

  /**
   * Lists a directory, sorted by name (UTF-16). Does not follow symbolic links. Lists the items of readable layers: see
   * {@link unreadableLayers}.
   *
   * @returns The items, or `undefined` if the directory does not exist.
   * @throws SociIndexError `LAYER_UNREADABLE` if no readable layer has the directory, but an unreadable layer may have it.
   */
  async readdir(path: string): Promise<readonly ImageDirectoryItem[] | undefined> {
    const items = new Map<string, ImageDirectoryItem>();
    const removed = new Set<string>();
    const unreadable: Unreadable = new Set();
    let exists = false;
    for (const { layer } of this.#distinctLayers(this.layers.length)) {
      const reader = await this.#open(layer, unreadable);
      if (reader === undefined) continue;
      const listed = reader.readdir(path);
      exists ||= listed !== undefined;
      const own = (listed ?? []).map(({ name, entry }) => ({ name: decoder.decode(name), entry }));
      for (const item of own) {
        const { name } = item;
        if (!name.startsWith(WHITEOUT) && !items.has(name) && !removed.has(name)) items.set(name, item);
      }
      // A whiteout removes only files of lower layers, not of its own layer.
      for (const { name } of own) if (name.startsWith(WHITEOUT)) removed.add(name.slice(WHITEOUT.length));
      if (own.some(({ name }) => name === OPAQUE_WHITEOUT) || this.#hidesLowerLayers(reader, path)) break;
    }
    if (!exists) return throwIfUnreadable(path, unreadable);
    return [...items.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * Resolves all symbolic links of a path. Absolute targets and `..` stay within the image. The path need not exist.
   *
   * @returns The path without symbolic links and without a leading slash. Empty for the root.
   * @throws SociIndexError `SYMLINK_LOOP` if the path has more than 40 symbolic links.
   */
  realpath(path: string): Promise<string> {
    return this.#resolve(path, this.layers.length, new Set());
  }

  /**
   * Opens the layers that have a zTOC, base layer first.
   *
   * @throws ZtocError or `OciError` if a zTOC is damaged or missing.
   */
  async indexedLayers(): Promise<readonly ImageLayer[]> {
    const opened = await Promise.all(
      this.layers.map(async (layer) => {
        const reference = findZtoc(this.#source.indexes, layer.digest);
        return reference === undefined ? [] : { layer, reader: await this.#openIndexed(layer, reference) };
      }),
    );
    return opened.flat();
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
  async #find(path: string, count: number, unreadable: Unreadable): Promise<FoundFile | undefined> {
    for (const { layer, position } of this.#distinctLayers(count)) {
      const reader = await this.#open(layer, unreadable);
      if (reader === undefined) continue;
      const entry = reader.lookup(path);
      if (entry !== undefined || reader.isDirectory(path)) return { layer, reader, entry, position };
      if (this.#hidesLowerLayers(reader, path)) return undefined;
    }
    return undefined;
  }

  /** Resolves all symbolic links of a path in the first `count` layers. A hard link to a symbolic link counts as one. */
  async #resolve(path: string, count: number, unreadable: Unreadable): Promise<string> {
    const pending = segmentsOf(path).reverse();
    let reached: string[] = [];
    let links = 0;
    for (let segment = pending.pop(); segment !== undefined; segment = pending.pop()) {
      if (segment === '..') {
        reached.pop();
        continue;
      }
      reached.push(segment);
      const file = await this.#followHardLinks(await this.#find(reached.join('/'), count, unreadable), unreadable);
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
  async #followHardLinks(file: FoundFile | undefined, unreadable: Unreadable): Promise<FoundFile | undefined> {
    let found = file;
    while (found?.entry?.type === 'hardlink') {
      const { reader, position, entry: link } = found;
      const entry = reader.hardLinkTarget(link);
      if (entry !== undefined) {
        found = { ...found, entry };
        continue;
      }
      const segments = segmentsOf(decoder.decode(link.linkName));
      const directory = await this.#resolve(segments.slice(0, -1).join('/'), position, unreadable);
      const target = await this.#find(`${directory}/${segments.at(-1) ?? ''}`, position, unreadable);
      if (target?.entry === undefined) return found;
      found = target;
    }
    return found;
  }

  /** Returns whether a layer hides a path of lower layers: it removes or replaces the path or a parent directory. */
  #hidesLowerLayers(reader: ZtocReader, path: string): boolean {
    const known = this.#hiding.get(reader) ?? new Map<string, boolean>();
    this.#hiding.set(reader, known);
    const segments = segmentsOf(path);
    let parent = '';
    for (const name of segments) {
      let hidesAll = known.get(parent);
      if (hidesAll === undefined) {
        const directory = parent === '' ? undefined : reader.lookup(parent);
        hidesAll =
          (directory !== undefined && directory.type !== 'dir') ||
          reader.lookup(parent + OPAQUE_WHITEOUT) !== undefined;
        known.set(parent, hidesAll);
      }
      if (hidesAll || reader.lookup(parent + WHITEOUT + name) !== undefined) return true;
      parent += `${name}/`;
    }
    return false;
  }

  /** Opens a layer. If it cannot be read, adds it to `unreadable`. */
  async #open(layer: Descriptor, unreadable: Unreadable): Promise<ZtocReader | undefined> {
    const opening = this.#readers.get(layer.digest) ?? this.#openFirst(layer);
    this.#readers.set(layer.digest, opening);
    const opened = await opening;
    if (!('message' in opened)) return opened;
    unreadable.add(opened);
    this.#unreadable.set(layer.digest, opened);
    return undefined;
  }

  async #openFirst(layer: Descriptor): Promise<ZtocReader | UnreadableLayer> {
    const built = this.#source.openBuilt?.(layer, rangesOf(layer, this.#reading));
    if (built !== undefined) return built;
    const reference = findZtoc(this.#source.indexes, layer.digest);
    try {
      if (reference !== undefined) return await this.#openIndexed(layer, reference);
    } catch (error) {
      if (!isContentError(error)) throw error;
    }
    try {
      return this.#count(await readLayer(layer, this.#reading));
    } catch (error) {
      if (!isContentError(error)) throw error;
      const { message } = error;
      return { layer, message: message.includes(layer.digest) ? message : `layer ${layer.digest}: ${message}` };
    }
  }

  /** Counts the memory for the files of a layer. @throws SociIndexError `LIMIT_EXCEEDED` */
  #count(reader: ZtocReader): ZtocReader {
    const size = filesMemory(reader.ztoc.files);
    if (this.#filesMemory + size > MAX_FILES_MEMORY) {
      const message = `the files of the layers need more than ${MAX_FILES_MEMORY} bytes of memory`;
      throw new SociIndexError('LIMIT_EXCEEDED', message);
    }
    this.#filesMemory += size;
    return reader;
  }

  #openIndexed(layer: Descriptor, { descriptor }: ZtocReference): Promise<ZtocReader> {
    const { store, maxZtocSize, maxSpans } = this.#source;
    const open = async () => {
      const bytes = await readVerified(store, descriptor, { ...this.#reading.call, maxSize: maxZtocSize });
      const ztoc = decodeZtoc(bytes, maxSpans === undefined ? {} : { maxSpans });
      return this.#count(openZtoc(ztoc, rangesOf(layer, this.#reading)));
    };
    const reader = this.#indexed.get(layer.digest) ?? open();
    this.#indexed.set(layer.digest, reader);
    return reader;
  }
}

/** Throws if a missing path may be in one of the unreadable layers. */
function throwIfUnreadable(path: string, unreadable: Unreadable): undefined {
  if (unreadable.size === 0) return;
  const [first] = unreadable;
  const more = unreadable.size === 1 ? '' : `, and ${unreadable.size - 1} more`;
  const message = `no readable layer has ${quoteText(path || '/')}, but a layer that cannot be read may have it: ${first?.message.replace(/\.$/, '')}${more}`;
  throw new SociIndexError('LAYER_UNREADABLE', message, { ...(first && { digest: first.layer.digest }) });
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '' && segment !== '.');
}
