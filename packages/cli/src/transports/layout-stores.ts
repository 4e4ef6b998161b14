import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { MEDIA_TYPE_SOCI_INDEX_V1, MEDIA_TYPE_SOCI_INDEX_V2, type SourceStore, type TargetStore } from '@soci/index';
import type { Descriptor } from '@soci/oci';
import { archiveChunks, createFile, createLayout, type LayoutReader, openArchive, openLayout } from '@soci/oci/layout';
import { CliError } from '../errors.ts';
import type { LayoutLocation } from './location.ts';

/** A store and the image to read from it. */
export interface ImageSource {
  readonly store: SourceStore;
  /** Tag or digest of an image in a registry, or the descriptor of an image in a layout. */
  readonly reference: string | Descriptor;
  /** Closes the tar file, if the image is in one. */
  close(): Promise<void>;
}

/** A store to write an image to. */
export interface ImageDestination {
  readonly store: TargetStore;
  /** Publishes the written content. Does nothing for a registry, which publishes content immediately. */
  commit(): Promise<void>;
  /** Removes content that was not committed. */
  close(): Promise<void>;
}

/** Opens an image in a layout directory or tar file for reading. */
export async function openLayoutSource(location: LayoutLocation): Promise<ImageSource> {
  await checkPathType(location);
  const { transport, path } = location;
  if (transport === 'oci') {
    const store = await openLayout(path);
    return { store, reference: await resolveRoot(store, location), close: async () => {} };
  }
  const store = await openArchive(path);
  try {
    return { store, reference: await resolveRoot(store, location), close: () => store.close() };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Opens a layout for writing. Adds to an existing layout directory. Replaces a tar file, or writes into a device or pipe. */
export async function openLayoutDestination({ transport, path }: LayoutLocation): Promise<ImageDestination> {
  if (transport === 'oci') {
    const store = await createLayout(path);
    return { store, commit: () => store.commit(), close: () => store.discard() };
  }
  await checkArchivePath(path);
  const file = await createFile(path);
  return {
    store: { writeImages: (content, roots, call) => file.write(() => archiveChunks(content, roots, call), call) },
    commit: () => file.commit(),
    close: () => file.discard(),
  };
}

async function checkArchivePath(path: string): Promise<void> {
  const existing = await stat(path).catch(() => undefined);
  if (existing?.isDirectory()) {
    throw new CliError('DESTINATION_INVALID', `${path} exists and is not a file`, {
      remedy: `To write a layout directory, use oci:${path}`,
    });
  }
  if (existing && !existing.isFile()) return;
  const directory = dirname(resolve(path));
  await access(directory, constants.W_OK).catch((cause: unknown) => {
    throw new CliError('FILE_UNWRITABLE', `cannot write to directory ${directory}`, { cause });
  });
}

/**
 * Resolves a location to a manifest in a layout: by its tag, its digest or its position in `index.json` (`@0`). Without a
 * reference, the layout must have exactly one image. SOCI indexes written by `create` do not count as images.
 *
 * @throws OciError `NOT_FOUND`, with the images of the layout; CliError `SOURCE_INVALID` for a position out of range.
 */
async function resolveRoot(layout: LayoutReader, { reference, text }: LayoutLocation): Promise<Descriptor> {
  if (reference !== undefined && !reference.startsWith('@')) return layout.resolve(reference);
  const roots = await layout.roots();
  if (reference !== undefined) {
    const root = roots[Number(reference.slice(1))];
    if (root) return root;
    throw new CliError('SOURCE_INVALID', `${text}: the layout has ${roots.length} manifests, and the first is @0`);
  }
  const isIndex = ({ artifactType }: Descriptor) =>
    artifactType === MEDIA_TYPE_SOCI_INDEX_V1 || artifactType === MEDIA_TYPE_SOCI_INDEX_V2;
  const [only, ...others] = roots.filter((root) => !isIndex(root));
  return only && others.every(({ digest }) => digest === only.digest) ? only : layout.resolve();
}

/**
 * Checks that `oci:` names a directory and `oci-archive:` a file, if the path exists.
 *
 * @throws CliError `SOURCE_INVALID`, with the location that the user probably meant.
 */
async function checkPathType({ transport, path, reference }: LayoutLocation): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  const likely = stats?.isFile() ? 'oci-archive' : stats?.isDirectory() ? 'oci' : transport;
  if (likely === transport) return;
  const mistake = likely === 'oci' ? 'is a directory, not a file' : 'is a file, not a directory';
  const tag = reference === undefined ? '' : `:${reference}`;
  throw new CliError('SOURCE_INVALID', `${path} ${mistake}`, { remedy: `Did you mean ${likely}:${path}${tag}?` });
}
