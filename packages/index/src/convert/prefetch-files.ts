import { type Fetcher, quoteText } from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import type { ImageFilesystem } from '../filesystem/image-filesystem.ts';
import { type LayerPlan, taskKey } from '../layers/layer-plan.ts';
import { cleanPrefetchPath, locateSpans, type PrefetchSpan } from '../layers/prefetch-spans.ts';
import type { ResolvedOptions } from '../options.ts';

/** Spans of a file to prefetch. */
export interface PrefetchLocation {
  /** Digest of the layer that has the content. */
  readonly layer: string;
  readonly spans: PrefetchSpan;
}

/** Maximum number of paths in an error message. */
const MAX_LISTED_PATHS = 5;

/**
 * Checks that each of `prefetchFiles` was found for at least one platform, unless missing files are allowed.
 *
 * @param found - Results of {@link findPrefetchFiles}, one for each platform.
 * @throws SociIndexError `PREFETCH_FILE_NOT_FOUND`
 */
export function checkPrefetchFiles(
  found: readonly (readonly (PrefetchLocation | undefined)[])[],
  { prefetchFiles, allowsMissingPrefetch }: ResolvedOptions,
): void {
  if (allowsMissingPrefetch) return;
  const missing = prefetchFiles.filter((_, position) => found.every((files) => files[position] === undefined));
  if (missing.length === 0) return;
  const listed = missing.slice(0, MAX_LISTED_PATHS).map((path) => quoteText(path));
  const more = missing.length > listed.length ? ` and ${missing.length - listed.length} more` : '';
  const message = `no indexed layer of the image has the file to prefetch: ${listed.join(', ')}${more}`;
  throw new SociIndexError('PREFETCH_FILE_NOT_FOUND', message);
}

/**
 * Finds the spans of each of `prefetchFiles` in the merged layers, as a container sees them: through symbolic and hard
 * links, without removed files, and independent of how the archives write a path (`usr/bin/x`, `./usr/bin/x`,
 * `/usr/bin/x`). Layers without a zTOC are ignored.
 *
 * @returns One item for each path: undefined if there is no such file. An empty list with `compat`, because soci looks for
 *   the exact name in each layer.
 */
export async function findPrefetchFiles(
  layers: readonly LayerPlan[],
  ztocs: ReadonlyMap<string, { readonly ztoc?: Uint8Array }>,
  options: ResolvedOptions,
): Promise<readonly (PrefetchLocation | undefined)[]> {
  const { prefetchFiles, isCompat } = options;
  if (isCompat || prefetchFiles.length === 0) return [];
  const indexed = layers.flatMap((layer) => {
    const ztoc = 'task' in layer ? ztocs.get(taskKey(layer.task))?.ztoc : undefined;
    return ztoc === undefined ? [] : [{ descriptor: layer.descriptor, ztoc }];
  });
  // Loaded only if needed: the functions start faster.
  const { openBuiltFilesystem } = await import('../filesystem/built-filesystem.ts');
  const files = openBuiltFilesystem(PATHS_ONLY, indexed, options);
  const found: (PrefetchLocation | undefined)[] = [];
  for (const path of prefetchFiles) found.push(await findPrefetchFile(files, cleanPrefetchPath(path)));
  return found;
}

/** Store for a file system of which only the paths of files are read. */
const PATHS_ONLY: Fetcher = {
  fetch: () => {
    throw new Error('only the paths of files are read');
  },
};

async function findPrefetchFile(files: ImageFilesystem, path: string): Promise<PrefetchLocation | undefined> {
  const file = await files.lookup(path, { followSymlinks: true }).catch((error: unknown) => {
    // A cycle of symbolic links has no content to prefetch.
    if (error instanceof SociIndexError && error.code === 'SYMLINK_LOOP') return undefined;
    throw error;
  });
  if (file?.entry?.type !== 'reg') return undefined;
  const spanOf = locateSpans(file.reader.ztoc);
  const { uncompressedOffset: start, uncompressedSize: size } = file.entry;
  // Like soci, include the byte after the file, which may be in the next span.
  const spans = { start: spanOf(start), end: Math.max(spanOf(start), spanOf(start + size)) };
  return { layer: file.layer.digest, spans };
}
