import {
  bareDescriptor,
  type Descriptor,
  type Fetcher,
  formatPlatform,
  isImageIndex,
  isImageManifest,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  type Platform,
} from '@soci/oci';
import { planConversion } from '../convert/plan-image.ts';
import { checkPrefetchFiles, findPrefetchFiles } from '../convert/prefetch-files.ts';
import { matchesProvenance, readProvenance, sourceDigest } from '../convert/provenance.ts';
import { attachIndexes, rewriteImage } from '../convert/rewrite-index.ts';
import { writeSociIndex } from '../convert/soci-manifest.ts';
import { summarize } from '../go-json/image-spec.ts';
import { ImageReader } from '../image/image-reader.ts';
import { matchPlatform, normalizeAsGo } from '../image/platform-match.ts';
import { mapInParallel } from '../in-parallel.ts';
import { readSociDocument, type SociDocument } from '../inspect/soci-document.ts';
import { type ResolvedOptions, resolveOptions } from '../options.ts';
import {
  ANNOTATION_IMAGE_MANIFEST_DIGEST,
  ANNOTATION_INDEX_DIGEST,
  ANNOTATION_SOURCE_DIGEST,
  MEDIA_TYPE_SOCI_INDEX_V2,
} from '../vocabulary.ts';
import { collectListedZtocs, findOtherSettings, listKnownPlatforms, RECOGNITION_READS } from './listed-ztocs.ts';
import {
  catchContentErrors,
  type NotRecognized,
  notRecognized,
  type Recognition,
  type RecognizeOptions,
} from './recognition.ts';

/**
 * Checks from manifests whether `converted` is the image that {@link convertImage} would produce.
 *
 * If the provenance annotations (docs/formats.md) match this image and these settings, reads only the SOCI indexes. They
 * must be readable, belong to listed manifests, and cover the selected platforms. Otherwise writes all manifests again with
 * the zTOCs of the listed SOCI indexes, and compares the bytes. In this comparison the existing provenance annotations are
 * kept, except that `source-digest` must name this image. Missing annotations or another tool version do not make an index
 * outdated.
 *
 * For an image with one manifest, only the SOCI index is fetched in addition to the two roots; for an image index, also its
 * manifests. A zTOC is read only for `prefetchFiles`, and for the `xattr` optimization if the layer is not marked. Does not
 * check the content of zTOCs (use `verifySociIndex`) or whether all blobs of the converted image still exist.
 *
 * @param store - Store of the source image. Also of the converted image, unless `options.convertedStore` is set.
 * @param converted - Existing content to check, such as the image with the output tag. May be the same as `image`.
 * @throws SociIndexError `OPTION_INVALID`; errors of the store other than `OciError`; the abort reason of the signal.
 */
export async function recognizeConversion(
  store: Fetcher,
  image: Descriptor,
  converted: Descriptor,
  options: RecognizeOptions = {},
): Promise<Recognition> {
  const resolved = resolveOptions(options, 1);
  const { limits, signal, isCompat } = resolved;
  const { convertedStore = store } = options;
  const reader = new ImageReader(store, limits, signal);
  const convertedReader = convertedStore === store ? reader : new ImageReader(convertedStore, limits, signal);
  if (converted.mediaType !== MEDIA_TYPE_OCI_IMAGE_INDEX) {
    return notRecognized('not-indexed', `${converted.digest} is not an OCI image index: ${converted.mediaType}`);
  }
  return catchContentErrors(async () => {
    const { manifests, annotations } = await convertedReader.index(bareDescriptor(converted));
    const entries = manifests ?? [];
    convertedReader.startWalk()(entries.length);
    const listed = entries.filter(isSociIndex);
    if (listed.length === 0) return notRecognized('not-indexed', `${converted.digest} lists no SOCI index`);
    const index = isImageIndex(image.mediaType) ? await reader.index(image) : undefined;
    const origin = sourceDigest(image.digest, index?.annotations);
    const found = readProvenance(annotations);
    if (!isCompat && matchesProvenance(found, origin, 2, resolved)) {
      const difference = await findMissing(convertedReader, entries, listed, resolved);
      return (
        difference ?? { outcome: 'current', indexes: listed.map(bareIndexDescriptor), root: bareDescriptor(converted) }
      );
    }
    // The result cannot be written again without reading layers.
    const option = resolved.spanSize === 'auto' ? 'this profile' : 'recompress';
    if (resolved.spanSize === 'auto' || resolved.recompress.length > 0) {
      return notRecognized(
        'other-settings',
        `${converted.digest} was not converted from ${image.digest} with ${option}`,
      );
    }
    const provenance = ANNOTATION_SOURCE_DIGEST in found ? { ...found, [ANNOTATION_SOURCE_DIGEST]: origin } : found;
    const available = await listKnownPlatforms(reader, image, platformOfOnlyImage(entries), resolved);
    const [first] = available;
    if (first === undefined) return notRecognized('nothing-to-index', `${image.digest} has no platform`);
    const { target, plans } = await planConversion(reader, image, first, available, resolved);
    const documents = await readDocuments(convertedReader, listed);
    const ztocs = await collectListedZtocs(convertedStore, documents, plans, resolved);
    if ('outcome' in ztocs) return ztocs;
    const shared = { version: 2, ztocs, options: resolved } as const;
    const prefetches = await Promise.all(plans.map(({ layers }) => findPrefetchFiles(layers, ztocs, resolved)));
    checkPrefetchFiles(prefetches, resolved);
    const indexes = plans.map(({ manifest, layers }, position) =>
      writeSociIndex({ ...shared, subject: manifest, layers, prefetch: prefetches[position] ?? [] }),
    );
    const attached = attachIndexes(plans, indexes);
    if (attached.length === 0) return notRecognized('nothing-to-index', `${image.digest} has no layer to index`);
    const { root } = await rewriteImage(reader, target, attached, resolved, provenance);
    if (root.digest !== converted.digest) {
      return notRecognized(
        'other-content',
        `converting ${image.digest} would produce ${root.digest}, not ${converted.digest}`,
      );
    }
    return { outcome: 'current', indexes: attached.map(({ descriptor }) => descriptor), root };
  });
}

function readDocuments(reader: ImageReader, indexes: readonly Descriptor[]): Promise<SociDocument[]> {
  return mapInParallel(indexes, RECOGNITION_READS, (index) => readSociDocument(reader, index));
}

/** Checks that an image with matching provenance annotations is complete. Returns a result if it is not. */
async function findMissing(
  reader: ImageReader,
  entries: readonly Descriptor[],
  indexes: readonly Descriptor[],
  options: ResolvedOptions,
): Promise<NotRecognized | undefined> {
  const images = entries.filter((entry) => isImageManifest(entry.mediaType) && !isSociIndex(entry));
  for (const { digest, annotations } of indexes) {
    const owner = annotations?.[ANNOTATION_IMAGE_MANIFEST_DIGEST];
    const image = images.find(
      (each) => each.digest === owner && each.annotations?.[ANNOTATION_INDEX_DIGEST] === digest,
    );
    if (image === undefined)
      return notRecognized('other-content', `SOCI index ${digest} does not belong to a listed manifest`);
  }
  for (const wanted of options.platforms ?? []) {
    const matches = matchPlatform(wanted);
    if (!images.some(({ platform }) => platform !== undefined && matches(platform))) {
      return notRecognized('other-content', `no manifest is listed for ${formatPlatform(wanted)}`);
    }
  }
  return findOtherSettings(await readDocuments(reader, indexes), options);
}

/** Returns the descriptor of a SOCI index without the fields that only its entry in an image index has. */
function bareIndexDescriptor({ annotations, platform, ...entry }: Descriptor): Descriptor {
  return summarize(entry);
}

/** Returns the platform of the only image in an image index, if it is normalized like a platform from a configuration. */
function platformOfOnlyImage(entries: readonly Descriptor[]): Platform | undefined {
  const [only, ...others] = entries.filter((entry) => isImageManifest(entry.mediaType) && !isSociIndex(entry));
  if (only === undefined || others.length > 0 || only.platform === undefined) return undefined;
  const fields = (of: Platform) => JSON.stringify(Object.entries(of).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return fields(only.platform) === fields(normalizeAsGo(only.platform)) ? only.platform : undefined;
}

function isSociIndex({ artifactType }: Descriptor): boolean {
  return artifactType === MEDIA_TYPE_SOCI_INDEX_V2;
}
