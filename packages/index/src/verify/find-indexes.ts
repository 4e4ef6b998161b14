import { type Descriptor, isImageIndex, isImageManifest, OciError, type Platform } from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import { type ManifestDocument, summarize } from '../go-json/image-spec.ts';
import type { ImageReader } from '../image/image-reader.ts';
import { checkPlatformCount } from '../image/platform-match.ts';
import { readSociDocument, type SociDocument, sociVersion } from '../inspect/soci-document.ts';
import type { IndexLimits } from '../options.ts';
import { ANNOTATION_IMAGE_MANIFEST_DIGEST, ANNOTATION_INDEX_DIGEST, MEDIA_TYPE_SOCI_INDEX_V2 } from '../vocabulary.ts';
import type { Problem } from './problem.ts';

/** A SOCI index with its image manifest. */
export interface FoundIndex {
  readonly document: SociDocument;
  readonly platform?: Platform;
  readonly manifest?: Descriptor;
  /** Layers of the image manifest. Absent if the manifest is unknown. */
  readonly image?: readonly Descriptor[];
  /** Differences between the index and the manifest. */
  readonly problems: readonly Problem[];
}

/** SOCI indexes, and problems of the image that lists them. */
export interface FoundIndexes {
  readonly found: readonly FoundIndex[];
  readonly problems: readonly Problem[];
}

/** Reads the SOCI indexes of a SOCI-enabled image, or the SOCI index `target`, and compares them with the image manifests. */
export async function findIndexes(
  reader: ImageReader,
  target: Descriptor,
  { maxPlatforms }: Pick<Required<IndexLimits>, 'maxPlatforms'>,
): Promise<FoundIndexes> {
  if (isImageIndex(target.mediaType)) {
    const entries = (await reader.index(target)).manifests ?? [];
    checkPlatformCount(target, entries, maxPlatforms);
    return findListed(reader, entries);
  }
  if (!isImageManifest(target.mediaType) || sociVersion(await reader.manifest(target)) === undefined) {
    return { found: [], problems: [] };
  }
  const document = await readSociDocument(reader, target);
  if (document.version === 2 || document.subject === undefined)
    return { found: [{ document, problems: [] }], problems: [] };
  const subject = await readManifest(reader, document.subject);
  if ('problem' in subject) return { found: [{ document, problems: [subject.problem] }], problems: [] };
  return { found: [matchLayers(document, document.subject, subject.manifest)], problems: [] };
}

async function findListed(reader: ImageReader, entries: readonly Descriptor[]): Promise<FoundIndexes> {
  reader.startWalk()(entries.length);
  const problems: Problem[] = [];
  const found: FoundIndex[] = [];
  const listed = new Set<string>();
  const owners = new Map<string, Descriptor>();
  const named = new Set(entries.map(({ annotations }) => annotations?.[ANNOTATION_INDEX_DIGEST]));
  // Some tools, such as "skopeo copy --all" 1.9, copy the entry of a SOCI index without its artifact type.
  const isIndex = ({ artifactType, digest }: Descriptor) =>
    artifactType === MEDIA_TYPE_SOCI_INDEX_V2 || named.has(digest);
  for (const entry of entries) {
    if (!isIndex(entry) && !owners.has(entry.digest)) owners.set(entry.digest, entry);
  }
  for (const entry of entries.filter(isIndex)) {
    listed.add(entry.digest);
    try {
      found.push(await findOwner(reader, entry, owners, await readSociDocument(reader, entry)));
    } catch (error) {
      if (!isContentError(error)) throw error;
      problems.push({ code: 'index-invalid', message: error.message });
    }
  }
  for (const entry of entries) {
    const expected = entry.annotations?.[ANNOTATION_INDEX_DIGEST];
    if (expected === undefined || isIndex(entry) || listed.has(expected)) continue;
    const message = `manifest ${entry.digest} names SOCI index ${expected}, which the image index does not list`;
    problems.push({ code: 'index-not-listed', message });
  }
  return { found, problems };
}

async function findOwner(
  reader: ImageReader,
  entry: Descriptor,
  owners: ReadonlyMap<string, Descriptor>,
  document: SociDocument,
): Promise<FoundIndex> {
  const platform = entry.platform === undefined ? {} : { platform: entry.platform };
  const owner = entry.annotations?.[ANNOTATION_IMAGE_MANIFEST_DIGEST];
  const descriptor = owners.get(owner ?? '');
  if (descriptor === undefined) {
    const message = `SOCI index ${entry.digest} belongs to manifest ${owner ?? '(missing annotation)'}, which the image index does not list`;
    return { document, ...platform, problems: [{ code: 'manifest-not-found', message }] };
  }
  const read = await readManifest(reader, descriptor);
  if ('problem' in read) return { document, ...platform, problems: [read.problem] };
  const matched = matchLayers(document, summarize(descriptor), read.manifest);
  const named = read.manifest.annotations?.[ANNOTATION_INDEX_DIGEST];
  if (named === entry.digest) return { ...matched, ...platform };
  const message = `manifest ${descriptor.digest} names SOCI index ${named ?? '(missing annotation)'}, expected ${entry.digest}`;
  return { ...matched, ...platform, problems: [{ code: 'manifest-not-annotated', message }, ...matched.problems] };
}

async function readManifest(
  reader: ImageReader,
  descriptor: Descriptor,
): Promise<{ readonly manifest: ManifestDocument } | { readonly problem: Problem }> {
  try {
    return { manifest: await reader.manifest(descriptor) };
  } catch (error) {
    if (!isContentError(error)) throw error;
    return {
      problem: { code: 'manifest-not-found', message: `image manifest ${descriptor.digest}: ${error.message}` },
    };
  }
}

/** Checks that the annotations of each zTOC match a layer of the image manifest, in the same order. */
function matchLayers(document: SociDocument, manifest: Descriptor, { layers }: ManifestDocument): FoundIndex {
  const image = (layers ?? []).map(summarize);
  const byDigest = new Map(image.map((layer) => [layer.digest, layer]));
  const problems: Problem[] = [];
  let position = 0;
  for (const { descriptor, layerDigest, layerMediaType } of document.ztocs) {
    const layer = byDigest.get(layerDigest);
    if (layer === undefined) {
      const message = `zTOC ${descriptor.digest} belongs to layer ${layerDigest}, which image manifest ${manifest.digest} does not list`;
      problems.push({ code: 'layer-not-in-image', message });
      continue;
    }
    let same = position;
    while (same < image.length && !isLayer(image[same] as Descriptor, layerDigest, layerMediaType)) same++;
    if (same === image.length) {
      const message = `zTOC ${descriptor.digest} is out of order, or has the wrong media type for layer ${layerDigest}: ${layerMediaType}, expected ${layer.mediaType}`;
      problems.push({ code: 'annotation-mismatch', message });
    } else {
      position = same + 1;
    }
  }
  return { document, manifest, image, problems };
}

function isLayer({ digest, mediaType }: Descriptor, layerDigest: string, layerMediaType: string): boolean {
  return digest === layerDigest && mediaType === layerMediaType;
}

function isContentError(error: unknown): error is Error {
  if (error instanceof SociIndexError) return error.code === 'SOCI_INDEX_INVALID' || error.code === 'MANIFEST_INVALID';
  return error instanceof OciError && ['NOT_FOUND', 'SIZE_MISMATCH', 'DIGEST_MISMATCH'].includes(error.code);
}
