import { quoteText } from '@soci/oci';
import { type FileEntry, SymlinkTracker } from '@soci/ztoc';
import { type LayerWarning, warnAboutProblem } from './layer-warning.ts';

/** Maximum length of a path in a message. */
const MAX_SHOWN = 200;

/** Maximum number of paths of a warning. */
const MAX_PATHS = 5;

/**
 * Finds the layers of an image that write through symbolic links of lower layers.
 *
 * @param layers - Digests of the layers, base layer first.
 * @param directories - For each indexed layer, the directories that no entry describes: see `RuntimeFindings` of `@soci/ztoc`.
 * @param readFiles - Returns the entries of a layer, or undefined if it has no zTOC. Called only if a layer has such directories.
 * @returns One warning for each of these layers, by its digest.
 */
export async function findSymlinkWrites(
  layers: readonly string[],
  directories: ReadonlyMap<string, readonly string[]>,
  readFiles: (layer: string) => Promise<Iterable<Pick<FileEntry, 'name' | 'type'>> | undefined>,
): Promise<ReadonlyMap<string, LayerWarning>> {
  const found = new Map<string, LayerWarning>();
  const last = layers.findLastIndex((layer) => (directories.get(layer)?.length ?? 0) > 0);
  if (last <= 0) return found;
  const links = new SymlinkTracker(layers.flatMap((layer) => directories.get(layer) ?? []));
  for (const [position, layer] of layers.slice(0, last + 1).entries()) {
    const written = links.linksAmong(directories.get(layer) ?? []).map(decodeByteString);
    const [first] = written;
    if (first !== undefined && !found.has(layer)) {
      const count = written.length;
      const subject = count === 1 ? 'a symbolic link' : `${count} symbolic links`;
      const message = `it writes through ${subject} of a lower layer (${quoteText(first, MAX_SHOWN)})`;
      const problem = { code: 'writes-through-symlink', effect: 'shown-differently', count, message } as const;
      found.set(layer, warnAboutProblem({ ...problem, paths: written.slice(0, MAX_PATHS) }));
    }
    const files = position < last ? await readFiles(layer) : undefined;
    if (files !== undefined) links.add(files);
  }
  return found;
}

/** Decodes a path with one character per byte as UTF-8. */
function decodeByteString(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8');
}
