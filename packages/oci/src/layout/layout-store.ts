import { constants } from 'node:fs';
import { copyFile, mkdir, realpath, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { BlobImporter, BlobLocator, CallOptions, PushContent, Pusher, RootAdder, Tagger } from '../content.ts';
import type { Descriptor } from '../descriptor.ts';
import { hasSystemCode, OciError } from '../errors.ts';
import { verifyStream } from '../read.ts';
import { blobPath, checkLayoutVersion, FolderFiles } from './layout-files.ts';
import { LayoutReader } from './layout-reader.ts';
import { addRoot, checkName } from './root-index.ts';
import { placeAside, writeAside, writing } from './write-aside.ts';

/**
 * Opens an OCI image layout in a folder.
 *
 * @throws OciError `NOT_FOUND` where nothing is there, `LAYOUT_INVALID` where it is no layout.
 * @see OCI image-spec v1.1, image-layout.md
 */
export async function openLayout(folder: string): Promise<LayoutStore> {
  const root = await realpath(folder).catch((cause: unknown) => {
    if (hasSystemCode(cause, 'ENOENT')) throw new OciError('NOT_FOUND', `there is no folder ${folder}`, { cause });
    throw new OciError('READ_FAILED', `${folder} cannot be opened: ${String(cause)}`, { cause });
  });
  if (!(await stat(root)).isDirectory()) {
    throw new OciError('LAYOUT_INVALID', `${folder} is no folder: a layout in a tar file is opened as an archive`);
  }
  const files = new FolderFiles(root, folder);
  await checkLayoutVersion(files);
  return new LayoutStore(files);
}

/**
 * An OCI image layout in a folder, read and written in place: each blob appears whole, each tag at once. What must
 * appear together is written through `createLayout`. One writer at a time: two that tag would lose each other's tags.
 */
export class LayoutStore extends LayoutReader implements Pusher, Tagger, RootAdder, BlobLocator, BlobImporter {
  readonly #files: FolderFiles;

  /** Use {@link openLayout}. */
  constructor(files: FolderFiles) {
    super(files);
    this.#files = files;
  }

  /** @throws OciError `SIZE_MISMATCH`, `DIGEST_MISMATCH`, `WRITE_FAILED`, `PATH_ESCAPES`; what reading `content` throws. */
  async push(target: Descriptor, content: PushContent, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    if (await this.exists(target)) return;
    const chunks = content instanceof Uint8Array ? [content] : content;
    await writeAside(await this.#makePlace(target.digest), verifyStream(chunks, target, options));
  }

  /**
   * Takes a blob over from another layout by copying its file in the kernel, or by sharing its blocks where the file
   * system can. Its size is checked, **its digest is not**: only for content that the caller has read and verified, as
   * building a zTOC verifies a layer. Everything else goes through `push(target, source.fetch(target))`.
   *
   * @throws OciError as fetching from `source` and writing here do.
   */
  async importBlob(source: BlobLocator, target: Descriptor, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    if (await this.exists(target)) return;
    const from = await source.locate(target);
    const place = await this.#makePlace(target.digest);
    await placeAside(place, async (aside) => {
      await writing(place, copyFile(from, aside, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE));
      const { size } = await stat(aside);
      if (size !== target.size) {
        throw new OciError('SIZE_MISMATCH', `${target.digest} had ${size} of ${target.size} bytes when it was copied`);
      }
    });
  }

  /**
   * The path of a blob's file, checked as `fetch` checks it: for those who want the file itself.
   *
   * @throws OciError `NOT_FOUND`, `SIZE_MISMATCH`, `PATH_ESCAPES`, `LAYOUT_INVALID`.
   */
  async locate(target: Descriptor): Promise<string> {
    await this.fetchRange(target, { offset: 0, length: 0 });
    return this.#files.pathOf(blobPath(target.digest));
  }

  /**
   * Lists `target` in `index.json`, under the name `reference` or, where that is empty, without one. A name moves from
   * whatever had it.
   *
   * @throws OciError `NOT_FOUND` where the content is not held, `REFERENCE_INVALID`, `WRITE_FAILED`.
   */
  async tag(target: Descriptor, reference: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    await this.tagAll([{ target, reference }]);
  }

  /** Lists `target` in `index.json` without a name. @throws OciError `NOT_FOUND`, `WRITE_FAILED` */
  async addRoot(target: Descriptor, options: CallOptions = {}): Promise<void> {
    await this.tag(target, '', options);
  }

  /** Lists several manifests at once, as {@link LayoutStore.tag} lists one: a reader sees all of them or none. */
  async tagAll(tags: readonly { readonly target: Descriptor; readonly reference: string }[]): Promise<void> {
    let { raw } = await this.readIndex();
    for (const { target, reference } of tags) {
      if (reference !== '') checkName(reference);
      await this.locate(target);
      raw = addRoot(raw, target, reference);
    }
    await writeAside(this.#files.pathOf('index.json'), [raw]);
  }

  /** Removes a blob, whether or not something refers to it; nothing where it is not there. */
  async remove({ digest }: Pick<Descriptor, 'digest'>): Promise<void> {
    const place = this.#files.pathOf(blobPath(digest));
    await writing(place, rm(place, { force: true }));
  }

  /** The path that a blob is to have, its folder made. */
  async #makePlace(digest: string): Promise<string> {
    const place = this.#files.pathOf(blobPath(digest));
    const folder = dirname(place);
    await writing(folder, mkdir(folder, { recursive: true }));
    if ((await realpath(folder)) !== folder) {
      throw new OciError('PATH_ESCAPES', `${folder} lies behind a symbolic link: nothing is written there`);
    }
    return place;
  }
}
