import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  MEDIA_TYPE_PROFILE,
  MEDIA_TYPE_PROFILE_ANCHOR,
  MEDIA_TYPE_SOCI_INDEX_V1,
  MEDIA_TYPE_SOCI_INDEX_V2,
  type SourceStore,
  type TargetStore,
} from '@soci/index';
import type { Descriptor } from '@soci/oci';
import {
  archiveChunks,
  createFile,
  createLayout,
  type LayoutReader,
  type LayoutStore,
  openArchive,
  openDockerArchive,
  openImageDirectory,
  openLayout,
} from '@soci/oci/layout';
import { CliError, usageError } from '../errors.ts';
import { isPipe, readStream } from '../files/read-stream.ts';
import { checkWritable } from '../files/write-file.ts';
import { writeTo } from '../io.ts';
import { type DryRunStore, EMPTY, openLayoutDryRun, type PlannedWrite } from './dry-run.ts';
import type { StoreContext } from './image-stores.ts';
import { type DestinationLocation, isStandardInput, type LayoutLocation, STANDARD_STREAM } from './location.ts';

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
  /** Returns what would be written. Only in a dry run, which writes nothing. */
  planned?(): readonly PlannedWrite[];
}

/** Opens an image in a directory or tar file for reading. */
export async function openLayoutSource(location: LayoutLocation, context: StoreContext): Promise<ImageSource> {
  await checkPathType(location);
  const { store, close } = await openStore(location, context);
  try {
    return { store, reference: await resolveRoot(store, location), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openStore(
  location: LayoutLocation,
  context: StoreContext,
): Promise<{ store: LayoutReader; close(): Promise<void> }> {
  const { transport, path } = location;
  if (transport === 'oci') return { store: await openLayout(path), close: async () => {} };
  if (transport === 'dir') return { store: await openImageDirectory(path), close: async () => {} };
  const open = transport === 'oci-archive' ? openArchive : openDockerArchive;
  const { signal } = context;
  const store = isStandardInput(location)
    ? await open(standardInput(location, context), { name: 'standard input', signal })
    : await open((await isPipe(path)) ? readStream(path, signal) : path, { name: path, signal });
  return { store, close: () => store.close() };
}

/** Returns the path of the file that standard input reads (`< FILE`), or its content as a stream. */
function standardInput({ text }: LayoutLocation, { stdin }: StoreContext): string | AsyncIterable<Uint8Array> {
  if (stdin !== undefined && !stdin.isTTY) return stdin.file ?? stdin;
  throw usageError(
    `${text}: standard input is a terminal`,
    `Pass the archive with < or a pipe: docker save IMAGE | ...`,
  );
}

/** Opens a layout directory as it is, without an image. */
export async function openLayoutDirectory(location: LayoutLocation): Promise<LayoutStore> {
  await checkPathType(location);
  return openLayout(location.path);
}

/** Opens a layout for writing. Adds to an existing layout directory. Replaces a tar file, or writes into a device or pipe. */
export async function openLayoutDestination(
  { transport, path, text }: LayoutLocation & DestinationLocation,
  context: StoreContext,
): Promise<ImageDestination> {
  if (transport === 'oci') {
    const store = await createLayout(path);
    return { store, commit: () => store.commit(), close: () => store.discard() };
  }
  if (path === STANDARD_STREAM) return openStandardOutput(text, context);
  await checkArchivePath(path);
  const file = await createFile(path);
  return {
    store: { writeImages: (content, roots, call) => file.write(() => archiveChunks(content, roots, call), call) },
    commit: () => file.commit(),
    close: () => file.discard(),
  };
}

/** Opens a layout or archive as a destination that is not written. Checks that it could be written. */
export async function openUnwrittenLayout({
  transport,
  path,
}: LayoutLocation & DestinationLocation): Promise<DryRunStore> {
  if (transport === 'oci') {
    const found = await stat(path).catch(() => undefined);
    const isNew = found === undefined || (found.isDirectory() && (await readdir(path)).length === 0);
    await checkWritable(isNew ? dirname(resolve(path)) : path);
    return openLayoutDryRun(isNew ? EMPTY : await openLayout(path));
  }
  if (path !== STANDARD_STREAM) await checkArchivePath(path);
  return openLayoutDryRun(EMPTY);
}

/** Writes an archive to standard output. Its index is at its end, so an archive that is cut off is not valid. */
function openStandardOutput(text: string, context: StoreContext): ImageDestination {
  const stdout = context.claimStdout?.();
  if (stdout === undefined || stdout.isTTY) {
    throw usageError(`${text}: standard output is a terminal`, 'Redirect it to a file with >, or pass it to a pipe.');
  }
  return {
    store: {
      async writeImages(content, roots, call) {
        for await (const chunk of archiveChunks(content, roots, call)) {
          await writeTo(stdout, chunk);
          if (!stdout.isClosed) continue;
          throw new CliError(
            'OUTPUT_FAILED',
            'the reader of standard output closed it before the archive was complete',
          );
        }
      },
    },
    commit: async () => {},
    close: async () => {},
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
  await checkWritable(dirname(resolve(path)));
}

/** Types of manifests in a layout that are not images: SOCI indexes of `create`, and stored profiles. */
const ARTIFACT_TYPES: ReadonlySet<string | undefined> = new Set([
  MEDIA_TYPE_SOCI_INDEX_V1,
  MEDIA_TYPE_SOCI_INDEX_V2,
  MEDIA_TYPE_PROFILE,
  MEDIA_TYPE_PROFILE_ANCHOR,
]);

/**
 * Resolves a location to a manifest in a layout: by its tag, its digest or its position in `index.json` (`@0`). Without a
 * reference, the layout must have exactly one image. SOCI indexes and stored profiles do not count as images.
 *
 * @throws OciError `NOT_FOUND`, with the images of the layout; CliError `SOURCE_INVALID` for a position out of range.
 */
async function resolveRoot(layout: LayoutReader, { reference, text }: LayoutLocation): Promise<Descriptor> {
  if (reference !== undefined && !reference.startsWith('@')) return layout.resolve(reference);
  const roots = await layout.roots();
  if (reference !== undefined) {
    const root = roots[Number(reference.slice(1))];
    if (root) return root;
    throw new CliError('SOURCE_INVALID', `${text}: there are ${roots.length} images, and the first is @0`);
  }
  const [only, ...others] = roots.filter(({ artifactType }) => !ARTIFACT_TYPES.has(artifactType));
  return only && others.every(({ digest }) => digest === only.digest) ? only : layout.resolve();
}

/**
 * Checks that the path is a directory or file of the transport, if it exists.
 *
 * @throws CliError `SOURCE_INVALID`, with the location that the user probably meant.
 */
async function checkPathType(location: LayoutLocation): Promise<void> {
  if (isStandardInput(location)) return;
  const { transport, path, reference } = location;
  const stats = await stat(path).catch(() => undefined);
  const isArchive = transport === 'oci-archive' || transport === 'docker-archive';
  if (stats === undefined || (!stats.isDirectory() && !stats.isFile())) return;
  const tag = reference === undefined ? '' : `:${reference}`;
  if (stats.isFile() && !isArchive) {
    throw new CliError('SOURCE_INVALID', `${path} is a file, not a directory`, {
      remedy: `Did you mean oci-archive:${path}${tag}? For a file of "docker save", write docker-archive:${path}${tag}.`,
    });
  }
  if (stats.isDirectory()) {
    const likely = (await isImageDirectory(path)) ? 'dir' : 'oci';
    if (isArchive) {
      throw new CliError('SOURCE_INVALID', `${path} is a directory, not a file`, {
        remedy: `Did you mean ${likely}:${path}${likely === 'oci' ? tag : ''}?`,
      });
    }
    if (transport === 'oci' && likely === 'dir') {
      throw new CliError('SOURCE_INVALID', `${path} is not an OCI image layout`, {
        remedy: `Did you mean dir:${path}?`,
      });
    }
  }
}

/** Reports whether a directory has the files of `dir:`, and not those of a layout. */
async function isImageDirectory(path: string): Promise<boolean> {
  const exists = (name: string) =>
    stat(join(path, name)).then(
      (found) => found.isFile(),
      () => false,
    );
  return (await exists('manifest.json')) && !(await exists('oci-layout'));
}
