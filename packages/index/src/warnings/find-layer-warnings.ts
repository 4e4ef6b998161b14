import { type CallOptions, type Descriptor, type Fetcher, OciError, readVerified } from '@soci/oci';
import { checkRuntime, decodeZtoc, type Ztoc, ZtocError } from '@soci/ztoc';
import { findZtoc, type SociDocument, type ZtocReference } from '../inspect/soci-document.ts';
import { type IndexLimits, resolveLimits } from '../options.ts';
import { type LayerWarning, toLayerWarnings, warnAboutProblem } from './layer-warning.ts';
import { findSymlinkWrites } from './symlink-writes.ts';

/** Options of {@link findLayerWarnings}. */
export interface LayerWarningOptions extends CallOptions {
  /** Limits for indexes. @default see {@link IndexLimits} */
  readonly limits?: IndexLimits;
}

/**
 * Finds the indexed layers of an image that the runtime will pull whole, cannot read completely, or shows differently than
 * an unpacked image. Reads the zTOCs, one at a time, but not the layers.
 *
 * @param store - Store of the image.
 * @param image - Image manifest, as `inspectImage` returns it.
 * @returns Warnings by layer digest. Layers without warnings are absent.
 * @throws Errors of `store`, except for a missing or damaged zTOC; the abort reason of `options.signal`.
 */
export async function findLayerWarnings(
  store: Fetcher,
  { layers, indexes }: { readonly layers: readonly Descriptor[]; readonly indexes: readonly SociDocument[] },
  options: LayerWarningOptions = {},
): Promise<ReadonlyMap<string, readonly LayerWarning[]>> {
  const { maxZtocSize: maxSize } = resolveLimits(options.limits);
  const call = { maxSize, ...(options.signal && { signal: options.signal }) };
  const warnings = new Map<string, readonly LayerWarning[]>();
  const directories = new Map<string, readonly string[]>();
  const read = async ({ descriptor }: ZtocReference): Promise<Ztoc> =>
    decodeZtoc(await readVerified(store, descriptor, call));
  for (const layer of new Map(layers.map((each) => [each.digest, each])).values()) {
    const reference = findZtoc(indexes, layer.digest);
    if (reference === undefined) continue;
    try {
      const ztoc = await read(reference);
      const found = checkZtoc(ztoc, reference.descriptor.size);
      directories.set(layer.digest, found.impliedDirectories);
      if (found.warnings.length > 0) warnings.set(layer.digest, found.warnings);
    } catch (error) {
      if (!isContentError(error)) throw error;
      const problem = { code: 'ztoc-unreadable', effect: 'pulled-whole', count: 0, paths: [] } as const;
      warnings.set(layer.digest, [warnAboutProblem({ ...problem, message: error.message })]);
    }
  }
  const digests = layers.map(({ digest }) => digest);
  const writes = await findSymlinkWrites(digests, directories, async (layer) => {
    const reference = directories.has(layer) ? findZtoc(indexes, layer) : undefined;
    return reference && (await read(reference)).files;
  });
  for (const [layer, warning] of writes) warnings.set(layer, [...(warnings.get(layer) ?? []), warning]);
  return warnings;
}

/** Returns the warnings that need only a zTOC, and the directories that no entry describes. */
export function checkZtoc(
  ztoc: Ztoc,
  ztocSize: number,
): { warnings: readonly LayerWarning[]; impliedDirectories: readonly string[] } {
  const findings = checkRuntime(ztoc, ztoc.files);
  const { impliedDirectories } = findings;
  return { warnings: toLayerWarnings(findings, ztoc, ztocSize), impliedDirectories };
}

/** Returns whether an error is caused by a missing or invalid zTOC. */
function isContentError(error: unknown): error is Error {
  if (error instanceof ZtocError) return error.code === 'ZTOC_INVALID' || error.code === 'LIMIT_EXCEEDED';
  const codes: readonly string[] = ['NOT_FOUND', 'SIZE_MISMATCH', 'DIGEST_MISMATCH', 'LIMIT_EXCEEDED'];
  return error instanceof OciError && codes.includes(error.code);
}
