import type { CallOptions, Descriptor } from '@soci/oci';
import { readVerified } from '@soci/oci';
import { buildZtoc, decodeZtoc, type FileEntry, openZtoc, type RandomAccessSource, type ZtocReader } from '@soci/ztoc';
import { CliError } from '../errors.ts';
import { MAX_ZTOC_SIZE } from '../files/read-file.ts';
import type { ImageSource } from '../transports/transport.ts';
import { findZtoc, type PlatformImage } from './describe-image.ts';

/** A layer that files can be read from. */
export interface OpenLayer {
  readonly layer: Descriptor;
  readonly reader: ZtocReader;
}

/** A file of an image, in the layer that has the last word on it. */
export interface ImageFile extends OpenLayer {
  /** Absent of a folder that no layer has an entry of, only files in it. */
  readonly entry: FileEntry | undefined;
}

/** Symbolic links that are followed on the way to one file, as many as Linux follows (path_resolution(7)). */
const MAX_SYMLINKS = 40;

/** In a layer, hides the folder's content in the layers below. @see OCI image-spec v1.1, layer.md, "Opaque Whiteout" */
const OPAQUE_WHITEOUT = '.wh..wh..opq';
/** In a layer, before the name of what it removes from the layers below. @see the same, "Whiteouts" */
const WHITEOUT = '.wh.';

const decoder = new TextDecoder();

/**
 * The files of an image as a container sees them: its layers, one over the other. Layers are read through their zTOCs,
 * span by span; one without a zTOC is read whole, once.
 */
export class ImageFiles {
  readonly #source: ImageSource;
  readonly #image: PlatformImage;
  readonly #call: CallOptions;
  readonly #readers = new Map<Descriptor, Promise<ZtocReader>>();

  /** Bytes of layers that were read so far. */
  bytesRead = 0;

  constructor(source: ImageSource, image: PlatformImage, call: CallOptions) {
    this.#source = source;
    this.#image = image;
    this.#call = call;
  }

  /**
   * Where a path leads when symbolic links are followed, at its end and in its folders; nothing need be there.
   *
   * @throws CliError `SOURCE_INVALID` after {@link MAX_SYMLINKS} links.
   */
  async resolve(path: string): Promise<string> {
    const pending = segmentsOf(path).reverse();
    let reached: string[] = [];
    let links = 0;
    for (let segment = pending.pop(); segment !== undefined; segment = pending.pop()) {
      if (segment === '..') {
        reached.pop();
        continue;
      }
      reached.push(segment);
      const file = await this.find(reached.join('/'));
      if (file?.entry?.type !== 'symlink') continue;
      if (++links > MAX_SYMLINKS) {
        throw new CliError('SOURCE_INVALID', `${path} leads through more than ${MAX_SYMLINKS} symbolic links`);
      }
      const target = decoder.decode(file.entry.linkName);
      reached = target.startsWith('/') ? [] : reached.slice(0, -1);
      pending.push(...segmentsOf(target).reverse());
    }
    return reached.join('/');
  }

  /** What stands under a path itself, in the topmost layer that has a word on it. */
  async find(path: string): Promise<ImageFile | undefined> {
    for (const layer of this.#image.layers.toReversed()) {
      const reader = await this.#open(layer);
      const entry = reader.lookup(path);
      if (entry !== undefined || reader.readdir(path) !== undefined) return { layer, reader, entry };
      if (hidesBelow(reader, path)) return undefined;
    }
    return undefined;
  }

  /** What a folder holds, by name; empty where there is no such folder. Symbolic links are not followed. */
  async list(path: string): Promise<ReadonlyMap<string, FileEntry | undefined>> {
    const items = new Map<string, FileEntry | undefined>();
    const removed = new Set<string>();
    for (const layer of this.#image.layers.toReversed()) {
      const reader = await this.#open(layer);
      const own = (reader.readdir(path) ?? []).map(({ name, entry }) => ({ name: decoder.decode(name), entry }));
      for (const { name, entry } of own) {
        if (!name.startsWith(WHITEOUT) && !items.has(name) && !removed.has(name)) items.set(name, entry);
      }
      // A layer removes from those below it only.
      for (const { name } of own) if (name.startsWith(WHITEOUT)) removed.add(name.slice(WHITEOUT.length));
      if (own.some(({ name }) => name === OPAQUE_WHITEOUT) || hidesBelow(reader, path)) break;
    }
    return new Map([...items].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** The layers that have a zTOC, the base first. */
  async indexedLayers(): Promise<readonly OpenLayer[]> {
    const indexed = this.#image.layers.filter(({ digest }) => findZtoc(this.#image, digest) !== undefined);
    return Promise.all(indexed.map(async (layer) => ({ layer, reader: await this.#open(layer) })));
  }

  #open(layer: Descriptor): Promise<ZtocReader> {
    const known = this.#readers.get(layer);
    if (known !== undefined) return known;
    const opening = this.#openAnew(layer);
    this.#readers.set(layer, opening);
    return opening;
  }

  async #openAnew(layer: Descriptor): Promise<ZtocReader> {
    const { store } = this.#source;
    const listed = findZtoc(this.#image, layer.digest);
    if (listed !== undefined) {
      const bytes = await readVerified(store, listed.descriptor, { ...this.#call, maxSize: MAX_ZTOC_SIZE });
      return openZtoc(decodeZtoc(bytes), this.#rangesOf(layer));
    }
    this.bytesRead += layer.size;
    const { ztoc } = await buildZtoc(store.fetch(layer, this.#call), { ...this.#call });
    return openZtoc(ztoc, this.#rangesOf(layer));
  }

  #rangesOf(layer: Descriptor): RandomAccessSource {
    return {
      size: layer.size,
      read: (offset, length, { signal } = {}) => {
        this.bytesRead += length;
        return this.#source.store.fetchRange(layer, { offset, length }, signal === undefined ? {} : { signal });
      },
    };
  }
}

/** Whether a layer takes a path away from the layers below: removes it or a folder above it, or makes one opaque. */
function hidesBelow(reader: ZtocReader, path: string): boolean {
  const segments = segmentsOf(path);
  return segments.some((name, depth) => {
    const parent = segments
      .slice(0, depth)
      .map((segment) => `${segment}/`)
      .join('');
    const folder = depth === 0 ? undefined : reader.lookup(parent);
    return (
      reader.lookup(parent + WHITEOUT + name) !== undefined ||
      reader.lookup(parent + OPAQUE_WHITEOUT) !== undefined ||
      (folder !== undefined && folder.type !== 'dir')
    );
  });
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '' && segment !== '.');
}
