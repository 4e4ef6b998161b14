import { mkdir, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type {
  BlobImporter,
  BlobLocator,
  ByteRange,
  CallOptions,
  Fetcher,
  FetchOptions,
  Prober,
  PushContent,
  Pusher,
  RangeFetcher,
  RangeOptions,
  RootAdder,
  StreamPusher,
  Tagger,
} from '../content.ts';
import type { Descriptor } from '../descriptor.ts';
import { hasSystemCode, messageOf, OciError } from '../errors.ts';
import { isImageIndex } from '../media-types.ts';
import { wrapWriteError } from './atomic-write.ts';
import { draftPath, removeAbandonedDrafts } from './draft-name.ts';
import { OCI_LAYOUT_FILE } from './layout-files.ts';
import { type LayoutStore, openLayout } from './layout-store.ts';
import { checkName, EMPTY_INDEX } from './root-index.ts';

/**
 * Creates a draft of a layout, whose content becomes visible at once when {@link LayoutDraft.commit} is called. If
 * `folder` is missing or empty, the layout is written next to it and renamed. If `folder` is a layout, blobs are added
 * to it and its `index.json` is replaced on commit. Removes drafts of killed processes.
 *
 * @throws OciError `LAYOUT_INVALID` if `folder` is something else; `WRITE_FAILED`, for example if its parent is
 * missing.
 */
export async function createLayout(folder: string): Promise<LayoutDraft> {
  const path = await realpath(folder).catch((cause: unknown) => {
    if (hasSystemCode(cause, 'ENOENT')) return resolve(folder);
    throw new OciError('WRITE_FAILED', `cannot write ${folder}: ${messageOf(cause)}`, { cause });
  });
  if (!(await isMissingOrEmpty(path))) return new LayoutDraft(await openLayout(path), path, undefined);

  await removeAbandonedDrafts(dirname(path));
  const temporaryFolder = draftPath(path);
  await wrapWriteError(folder, mkdir(join(temporaryFolder), { recursive: false }));
  try {
    await wrapWriteError(folder, mkdir(join(temporaryFolder, 'blobs', 'sha256'), { recursive: true }));
    await wrapWriteError(folder, writeFile(join(temporaryFolder, 'oci-layout'), OCI_LAYOUT_FILE));
    await wrapWriteError(folder, writeFile(join(temporaryFolder, 'index.json'), EMPTY_INDEX));
    return new LayoutDraft(await openLayout(temporaryFolder), path, temporaryFolder);
  } catch (error) {
    await rm(temporaryFolder, { recursive: true, force: true });
    throw error;
  }
}

/** A layout that is being written. Call {@link LayoutDraft.commit} or {@link LayoutDraft.discard} at the end. */
export class LayoutDraft
  implements Fetcher, RangeFetcher, Prober, Pusher, StreamPusher, Tagger, RootAdder, BlobImporter
{
  readonly #store: LayoutStore;
  readonly #path: string;
  readonly #temporaryFolder: string | undefined;
  readonly #added: Descriptor[] = [];
  readonly #tags: { readonly target: Descriptor; readonly reference: string }[] = [];
  #ended = false;

  /** Use {@link createLayout}. */
  constructor(store: LayoutStore, path: string, temporaryFolder: string | undefined) {
    this.#store = store;
    this.#path = path;
    this.#temporaryFolder = temporaryFolder;
  }

  fetch(target: Descriptor, options?: FetchOptions): AsyncIterable<Uint8Array> {
    return this.#store.fetch(target, options);
  }

  fetchRange(target: Descriptor, range: ByteRange, options?: RangeOptions): Promise<Uint8Array> {
    return this.#store.fetchRange(target, range, options);
  }

  exists(target: Descriptor, options?: CallOptions): Promise<boolean> {
    return this.#store.exists(target, options);
  }

  async push(target: Descriptor, content: PushContent, options?: CallOptions): Promise<void> {
    await this.#add(target, () => this.#store.push(target, content, options));
  }

  /** Stores a blob of unknown digest like {@link LayoutStore.pushStream}. */
  async pushStream(
    content: AsyncIterable<Uint8Array>,
    options?: CallOptions,
  ): Promise<Pick<Descriptor, 'digest' | 'size'>> {
    this.#checkOpen();
    const { isNew, ...stored } = await this.#store.pushStream(content, options);
    if (isNew) this.#added.push({ mediaType: '', ...stored });
    return stored;
  }

  /** Imports a blob like {@link LayoutStore.importBlob}: checks the size, **not the digest**. */
  async importBlob(source: BlobLocator, target: Descriptor, options?: CallOptions): Promise<void> {
    await this.#add(target, () => this.#store.importBlob(source, target, options));
  }

  /**
   * Lists `target` in `index.json` when the draft is committed, with the tag `reference`, or without a tag if it is
   * empty.
   *
   * @throws OciError `NOT_FOUND` if the content does not exist, `REFERENCE_INVALID`.
   */
  async tag(target: Descriptor, reference: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    this.#checkOpen();
    if (reference !== '') checkName(reference);
    // `index.json` can be the image. Keep it as a blob: the commit changes it.
    if (isImageIndex(target.mediaType)) await this.push(target, this.#store.fetch(target));
    await this.#store.locate(target);
    this.#tags.push({ target, reference });
  }

  /** Lists `target` in `index.json` when the draft is committed, without a tag. @throws OciError `NOT_FOUND` */
  async addRoot(target: Descriptor): Promise<void> {
    await this.tag(target, '');
  }

  /** Makes the layout visible. @throws OciError `WRITE_FAILED`; discard the draft then. */
  async commit(): Promise<void> {
    this.#checkOpen();
    await this.#store.tagAll(this.#tags);
    if (this.#temporaryFolder !== undefined)
      await wrapWriteError(this.#path, rename(this.#temporaryFolder, this.#path));
    this.#ended = true;
  }

  /** Removes everything that was written. Does nothing after {@link LayoutDraft.commit}, so call it in `finally`. */
  async discard(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#temporaryFolder === undefined) for (const blob of this.#added) await this.#store.remove(blob);
    else await rm(this.#temporaryFolder, { recursive: true, force: true });
  }

  async #add(target: Descriptor, write: () => Promise<void>): Promise<void> {
    this.#checkOpen();
    if (await this.#store.exists(target)) return;
    await write();
    this.#added.push(target);
  }

  #checkOpen(): void {
    if (this.#ended) {
      throw new OciError(
        'WRITE_FAILED',
        `the draft of layout ${this.#path} is already committed or discarded. Create another.`,
      );
    }
  }
}

/** Reports whether a new layout can be created at this path: nothing or an empty folder exists there. */
async function isMissingOrEmpty(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length === 0;
  } catch (cause) {
    if (hasSystemCode(cause, 'ENOENT')) return true;
    const message = `cannot write a layout to ${path}: ${messageOf(cause)}`;
    throw new OciError('LAYOUT_INVALID', message, { cause });
  }
}
