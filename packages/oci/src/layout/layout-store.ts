import { constants } from 'node:fs';
import { copyFile, mkdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type {
  BlobImporter,
  BlobLocator,
  CallOptions,
  PushContent,
  Pusher,
  RootAdder,
  StreamPusher,
  Tagger,
} from '../content.ts';
import type { Descriptor } from '../descriptor.ts';
import { createDigester, digestOf } from '../digest.ts';
import { hasSystemCode, messageOf, OciError } from '../errors.ts';
import { verifyStream } from '../read.ts';
import { createAtomically, wrapWriteError, writeFileAtomically } from './atomic-write.ts';
import { draftPath, removeAbandonedDrafts } from './draft-name.ts';
import { blobPath, checkLayoutVersion, FolderFiles } from './layout-files.ts';
import { LayoutReader } from './layout-reader.ts';
import { addRoot, checkName } from './root-index.ts';

/**
 * Opens an OCI image layout in a folder.
 *
 * @throws OciError `NOT_FOUND` if the folder does not exist, `LAYOUT_INVALID` if it is not a layout.
 * @see OCI image-spec v1.1, image-layout.md
 */
export async function openLayout(folder: string): Promise<LayoutStore> {
  const root = await realpath(folder).catch((cause: unknown) => {
    if (hasSystemCode(cause, 'ENOENT')) throw new OciError('NOT_FOUND', `folder ${folder} does not exist`, { cause });
    throw new OciError('READ_FAILED', `cannot open ${folder}: ${messageOf(cause)}`, { cause });
  });
  if (!(await stat(root)).isDirectory()) {
    throw new OciError('LAYOUT_INVALID', `${folder} is not a folder. If it is a tar file, open it as an archive.`);
  }
  const files = new FolderFiles(root, folder);
  await checkLayoutVersion(files);
  return new LayoutStore(files);
}

/**
 * An OCI image layout in a folder, read and written in place. Each blob and each tag appears atomically. Use
 * `createLayout` to make several changes visible at once. Use one writer at a time: concurrent writers can lose tags.
 */
export class LayoutStore
  extends LayoutReader
  implements Pusher, StreamPusher, Tagger, RootAdder, BlobLocator, BlobImporter
{
  readonly #files: FolderFiles;
  /** Folders without drafts of killed processes. */
  readonly #cleaned = new Set<string>();

  /** Use {@link openLayout}. */
  constructor(files: FolderFiles) {
    super(files);
    this.#files = files;
  }

  /**
   * @throws OciError `SIZE_MISMATCH`, `DIGEST_MISMATCH`, `WRITE_FAILED`, `PATH_ESCAPES`; errors of reading `content`.
   */
  async push(target: Descriptor, content: PushContent, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    if (await this.exists(target)) return;
    const chunks = content instanceof Uint8Array ? [content] : content;
    await writeFileAtomically(await this.#prepareBlobPath(target.digest), verifyStream(chunks, target, options));
  }

  /**
   * Stores a blob of unknown digest. It is written next to the other blobs, and renamed at the end.
   *
   * @returns The digest and size, and whether the layout did not have the blob.
   * @throws OciError `WRITE_FAILED`, `PATH_ESCAPES`; errors of reading `content`.
   */
  async pushStream(
    content: AsyncIterable<Uint8Array>,
    { signal }: CallOptions = {},
  ): Promise<Pick<Descriptor, 'digest' | 'size'> & { readonly isNew: boolean }> {
    const folder = await this.#prepareFolder(this.#files.pathOf('blobs/sha256'));
    const draft = draftPath(join(folder, 'layer'));
    const digester = createDigester();
    let size = 0;
    async function* measured(): AsyncGenerator<Uint8Array, void, undefined> {
      for await (const chunk of content) {
        signal?.throwIfAborted();
        digester.update(chunk);
        size += chunk.length;
        yield chunk;
      }
    }
    try {
      await writeFileAtomically(draft, measured());
      const digest = digester.digest();
      const isNew = !(await this.exists({ mediaType: '', digest, size }));
      if (isNew) await wrapWriteError(folder, rename(draft, this.#files.pathOf(blobPath(digest))));
      return { digest, size, isNew };
    } finally {
      await rm(draft, { force: true });
    }
  }

  /**
   * Imports a blob from another layout: copies its file in the kernel, or clones it if the file system supports that.
   * Checks the size, **not the digest**. Use it only for content that you have read and verified, for example by
   * building its zTOC. Otherwise use `push(target, source.fetch(target))`.
   *
   * @throws OciError of fetching from `source` and writing to this layout.
   */
  async importBlob(source: BlobLocator, target: Descriptor, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    if (await this.exists(target)) return;
    const from = await source.locate(target);
    const path = await this.#prepareBlobPath(target.digest);
    await createAtomically(path, async (temporaryFile) => {
      await wrapWriteError(path, copyFile(from, temporaryFile, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE));
      const { size } = await stat(temporaryFile);
      if (size !== target.size) {
        throw new OciError('SIZE_MISMATCH', `the copy of ${target.digest} has ${size} bytes, expected ${target.size}`);
      }
    });
  }

  /**
   * Returns the path of a blob's file, after the same checks as `fetch`.
   *
   * @throws OciError `NOT_FOUND`, `SIZE_MISMATCH`, `PATH_ESCAPES`, `LAYOUT_INVALID`.
   */
  async locate(target: Descriptor): Promise<string> {
    await (await this.openBlob(target)).close();
    return this.#files.pathOf(blobPath(target.digest));
  }

  /**
   * Lists `target` in `index.json` with the tag `reference`, or without a tag if it is empty. A tag moves from the
   * manifest that had it.
   *
   * @throws OciError `NOT_FOUND` if the content does not exist, `REFERENCE_INVALID`, `WRITE_FAILED`.
   */
  async tag(target: Descriptor, reference: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    await this.tagAll([{ target, reference }]);
  }

  /** Lists `target` in `index.json` without a tag. @throws OciError `NOT_FOUND`, `WRITE_FAILED` */
  async addRoot(target: Descriptor, options: CallOptions = {}): Promise<void> {
    await this.tag(target, '', options);
  }

  /** Tags several manifests like {@link LayoutStore.tag}, atomically: a reader sees all tags or none. */
  async tagAll(tags: readonly { readonly target: Descriptor; readonly reference: string }[]): Promise<void> {
    let { raw } = await this.readIndex();
    for (const { target, reference } of tags) {
      if (reference !== '') checkName(reference);
      await this.#keepIndex(target);
      await this.locate(target);
      raw = addRoot(raw, target, reference);
    }
    const path = this.#files.pathOf('index.json');
    await this.#removeAbandonedDrafts(dirname(path));
    await writeFileAtomically(path, [raw]);
  }

  /** Stores `index.json` as a blob if it is `target`: it is about to change. */
  async #keepIndex(target: Descriptor): Promise<void> {
    const { raw } = await this.readIndex();
    if (digestOf(raw) === target.digest) await this.push(target, raw);
  }

  /** Removes a blob, even if something refers to it. Does nothing if the blob does not exist. */
  async remove({ digest }: Pick<Descriptor, 'digest'>): Promise<void> {
    const path = this.#files.pathOf(blobPath(digest));
    await wrapWriteError(path, rm(path, { force: true }));
  }

  /** Removes drafts of killed processes, once for each folder. */
  async #removeAbandonedDrafts(folder: string): Promise<void> {
    if (this.#cleaned.has(folder)) return;
    this.#cleaned.add(folder);
    await removeAbandonedDrafts(folder);
  }

  /** Creates the folder for a blob. @returns path of the blob */
  async #prepareBlobPath(digest: string): Promise<string> {
    const path = this.#files.pathOf(blobPath(digest));
    await this.#prepareFolder(dirname(path));
    return path;
  }

  /** Creates a folder for blobs. @returns the folder */
  async #prepareFolder(folder: string): Promise<string> {
    await wrapWriteError(folder, mkdir(folder, { recursive: true }));
    if ((await realpath(folder)) !== folder) {
      throw new OciError('PATH_ESCAPES', `cannot write to ${folder}: a part of the path is a symbolic link`);
    }
    await this.#removeAbandonedDrafts(folder);
    return folder;
  }
}
