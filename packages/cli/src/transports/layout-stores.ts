import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { MEDIA_TYPE_SOCI_INDEX_V1, MEDIA_TYPE_SOCI_INDEX_V2, type SourceStore, type TargetStore } from '@soci/index';
import type { Descriptor } from '@soci/oci';
import { archiveChunks, createLayout, type LayoutReader, openArchive, openLayout } from '@soci/oci/layout';
import { CliError } from '../errors.ts';
import { FileDraft } from '../files/write-file.ts';
import type { LayoutLocation } from './location.ts';

/** A store that an image is read from, and which image. */
export interface ImageSource {
  readonly store: SourceStore;
  /** Tag or digest of the image in a registry; its descriptor in a layout. */
  readonly reference: string | Descriptor;
  /** Closes the file. */
  close(): Promise<void>;
}

/** A store that an image is written to. */
export interface ImageDestination {
  readonly store: TargetStore;
  /** Makes visible what was written; a registry shows it at once. */
  commit(): Promise<void>;
  /** Leaves nothing behind of what was not committed; does nothing otherwise. */
  close(): Promise<void>;
}

/** Opens the image of a layout, a folder or a tar file, to be read. */
export async function openLayoutSource(location: LayoutLocation): Promise<ImageSource> {
  await checkKind(location);
  const { transport, path } = location;
  if (transport === 'oci') {
    const store = await openLayout(path);
    return { store, reference: await chooseRoot(store, location), close: async () => {} };
  }
  const store = await openArchive(path);
  try {
    return { store, reference: await chooseRoot(store, location), close: () => store.close() };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Opens a layout to be written to. A folder that is a layout already is added to; a tar file is replaced. */
export async function openLayoutDestination({ transport, path }: LayoutLocation): Promise<ImageDestination> {
  if (transport === 'oci') {
    const store = await createLayout(path);
    return { store, commit: () => store.commit(), close: () => store.discard() };
  }
  await checkPlace(path);
  const draft = new FileDraft(path);
  return {
    store: { writeImages: (content, roots, call) => draft.write(archiveChunks(content, roots, call)) },
    commit: () => draft.commit(),
    close: () => draft.discard(),
  };
}

async function checkPlace(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there && !there.isFile()) {
    throw new CliError('DESTINATION_INVALID', `${path} exists and is not a file`, {
      remedy: there.isDirectory() ? `For a layout folder write oci:${path}` : 'Name another file.',
    });
  }
  const folder = dirname(resolve(path));
  await access(folder, constants.W_OK).catch((cause: unknown) => {
    throw new CliError('FILE_UNWRITABLE', `cannot write to the folder ${folder}`, { cause });
  });
}

/**
 * The manifest that a location names in a layout: by its tag, its digest, or its position in `index.json` (`@0`); the
 * only one where nothing is named. SOCI indexes that `create` has put beside an image do not count as images.
 *
 * @throws OciError `NOT_FOUND`, listing what is there; CliError `SOURCE_INVALID` for a position beyond the list.
 */
async function chooseRoot(layout: LayoutReader, { reference, text }: LayoutLocation): Promise<Descriptor> {
  if (reference !== undefined && !reference.startsWith('@')) return layout.resolve(reference);
  const roots = await layout.roots();
  if (reference !== undefined) {
    const root = roots[Number(reference.slice(1))];
    if (root) return root;
    throw new CliError('SOURCE_INVALID', `${text}: the layout lists ${roots.length} manifests, counted from @0`);
  }
  const isIndex = ({ artifactType }: Descriptor) =>
    artifactType === MEDIA_TYPE_SOCI_INDEX_V1 || artifactType === MEDIA_TYPE_SOCI_INDEX_V2;
  const [only, ...others] = roots.filter((root) => !isIndex(root));
  return only && others.every(({ digest }) => digest === only.digest) ? only : layout.resolve();
}

/**
 * Checks that a folder is named as a folder, and a file as a file, where something is there at all.
 *
 * @throws CliError `SOURCE_INVALID` with the location that was most likely meant.
 */
async function checkKind({ transport, path, reference }: LayoutLocation): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  const likely = stats?.isFile() ? 'oci-archive' : stats?.isDirectory() ? 'oci' : transport;
  if (likely === transport) return;
  const mistake = likely === 'oci' ? 'is a folder, not a file' : 'is a file, not a folder';
  const tag = reference === undefined ? '' : `:${reference}`;
  throw new CliError('SOURCE_INVALID', `${path} ${mistake}`, { remedy: `Did you mean ${likely}:${path}${tag}?` });
}
