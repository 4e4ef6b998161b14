import { mkdir, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
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
  RootAdder,
  Tagger,
} from '../content.ts';
import type { Descriptor } from '../descriptor.ts';
import { hasSystemCode, OciError } from '../errors.ts';
import { LAYOUT_MARK } from './layout-files.ts';
import { type LayoutStore, openLayout } from './layout-store.ts';
import { checkName, EMPTY_INDEX } from './root-index.ts';
import { asidePath, writing } from './write-aside.ts';

/**
 * Starts writing into a layout that shows what is written all at once, when {@link LayoutDraft.commit} is called, or
 * never. If `folder` is missing or empty, the layout is written next to it and renamed into place. If it is a layout
 * already, blobs are added to it and its `index.json` is replaced at the end.
 *
 * @throws OciError `LAYOUT_INVALID` if something else is there; `WRITE_FAILED`, for example if the parent folder is missing.
 */
export async function createLayout(folder: string): Promise<LayoutDraft> {
  const place = await realpath(folder).catch((cause: unknown) => {
    if (hasSystemCode(cause, 'ENOENT')) return resolve(folder);
    throw new OciError('WRITE_FAILED', `${folder} cannot be written: ${String(cause)}`, { cause });
  });
  if (!(await isFree(place))) return new LayoutDraft(await openLayout(place), place, undefined);

  const aside = asidePath(place);
  await writing(folder, mkdir(join(aside), { recursive: false }));
  try {
    await writing(folder, mkdir(join(aside, 'blobs', 'sha256'), { recursive: true }));
    await writing(folder, writeFile(join(aside, 'oci-layout'), LAYOUT_MARK));
    await writing(folder, writeFile(join(aside, 'index.json'), EMPTY_INDEX));
    return new LayoutDraft(await openLayout(aside), place, aside);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    throw error;
  }
}

/** A layout being written. End it with {@link LayoutDraft.commit} or {@link LayoutDraft.discard}. */
export class LayoutDraft implements Fetcher, RangeFetcher, Prober, Pusher, Tagger, RootAdder, BlobImporter {
  readonly #store: LayoutStore;
  readonly #place: string;
  readonly #aside: string | undefined;
  readonly #added: Descriptor[] = [];
  readonly #tags: { readonly target: Descriptor; readonly reference: string }[] = [];
  #ended = false;

  /** Use {@link createLayout}. */
  constructor(store: LayoutStore, place: string, aside: string | undefined) {
    this.#store = store;
    this.#place = place;
    this.#aside = aside;
  }

  fetch(target: Descriptor, options?: FetchOptions): AsyncIterable<Uint8Array> {
    return this.#store.fetch(target, options);
  }

  fetchRange(target: Descriptor, range: ByteRange, options?: CallOptions): Promise<Uint8Array> {
    return this.#store.fetchRange(target, range, options);
  }

  exists(target: Descriptor, options?: CallOptions): Promise<boolean> {
    return this.#store.exists(target, options);
  }

  async push(target: Descriptor, content: PushContent, options?: CallOptions): Promise<void> {
    await this.#add(target, () => this.#store.push(target, content, options));
  }

  /** As {@link LayoutStore.importBlob}: the size is checked, **the digest is not**. */
  async importBlob(source: BlobLocator, target: Descriptor, options?: CallOptions): Promise<void> {
    await this.#add(target, () => this.#store.importBlob(source, target, options));
  }

  /**
   * Has `target` listed when the draft is committed, under the name `reference` or, where that is empty, without one.
   *
   * @throws OciError `NOT_FOUND` where the content is not held, `REFERENCE_INVALID`.
   */
  async tag(target: Descriptor, reference: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    this.#checkOpen();
    if (reference !== '') checkName(reference);
    await this.#store.locate(target);
    this.#tags.push({ target, reference });
  }

  /** Has `target` listed when the draft is committed, without a name. @throws OciError `NOT_FOUND` */
  async addRoot(target: Descriptor): Promise<void> {
    await this.tag(target, '');
  }

  /** Shows the layout with all that was written. @throws OciError `WRITE_FAILED`; the draft is then still to be discarded. */
  async commit(): Promise<void> {
    this.#checkOpen();
    await this.#store.tagAll(this.#tags);
    if (this.#aside !== undefined) await writing(this.#place, rename(this.#aside, this.#place));
    this.#ended = true;
  }

  /** Removes all that was written. Does nothing after {@link LayoutDraft.commit}, so it may stand in a `finally`. */
  async discard(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#aside === undefined) for (const blob of this.#added) await this.#store.remove(blob);
    else await rm(this.#aside, { recursive: true, force: true });
  }

  async #add(target: Descriptor, write: () => Promise<void>): Promise<void> {
    this.#checkOpen();
    if (await this.#store.exists(target)) return;
    await write();
    this.#added.push(target);
  }

  #checkOpen(): void {
    if (this.#ended) {
      throw new OciError('WRITE_FAILED', `the layout ${this.#place} is committed or discarded: create another draft`);
    }
  }
}

/** Whether a new layout may take this place: nothing there, or an empty folder. */
async function isFree(place: string): Promise<boolean> {
  try {
    return (await readdir(place)).length === 0;
  } catch (cause) {
    if (hasSystemCode(cause, 'ENOENT')) return true;
    const message = `${place} is no folder that a layout could be written to: ${String(cause)}`;
    throw new OciError('LAYOUT_INVALID', message, { cause });
  }
}
