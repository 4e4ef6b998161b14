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
import { isMadeOf, readProvenance, sourceDigest } from '../convert/provenance.ts';
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
import { findOtherSettings, listKnownPlatforms, RECOGNITION_READS, takeZtocs } from './known-content.ts';
import {
  type NotRecognized,
  notRecognized,
  orNotRecognized,
  type Recognition,
  type RecognizeOptions,
} from './recognition.ts';

/**
 * Tells from manifests alone whether `converted` is what {@link convertImage} would give.
 *
 * If it has the annotations of provenance (docs/formats.md) and they name this image and these settings, only its SOCI
 * indexes are read: they must be there, belong to manifests that it lists, and cover the platforms asked for. Otherwise
 * everything is written again but the zTOCs, which are taken from the SOCI indexes that it lists, and compared byte for
 * byte; annotations of provenance are left as they are found, but for the image that they name, so that neither their absence nor the version of the tool
 * makes an index stale. Of an image with one manifest only the SOCI index is fetched in addition to the two roots, of an
 * image index its manifests too, several at a time. A zTOC is read only for `prefetchFiles`, and under the `xattr`
 * optimization if a layer is not marked. An image that is converted already can be asked about by itself, `image` and
 * `converted` being the same.
 *
 * What is not looked at: the zTOCs' content, which `verifySociIndex` proves, and whether what was there when the
 * converted image was pushed still is.
 *
 * @param store - Holds the image, and the converted one unless `options.convertedStore` does.
 * @param converted - What is there now, such as the image that bears the tag that is to be written.
 * @throws SociIndexError `OPTION_INVALID`; what the store throws but for `OciError`; the signal's reason.
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
    return notRecognized('not-indexed', `${converted.digest} is no OCI image index: ${converted.mediaType}`);
  }
  return orNotRecognized(async () => {
    const { manifests, annotations } = await convertedReader.index(bareDescriptor(converted));
    const entries = manifests ?? [];
    convertedReader.startWalk()(entries.length);
    const listed = entries.filter(isSociIndex);
    if (listed.length === 0) return notRecognized('not-indexed', `${converted.digest} lists no SOCI index`);
    const index = isImageIndex(image.mediaType) ? await reader.index(image) : undefined;
    const origin = sourceDigest(image.digest, index?.annotations);
    const found = readProvenance(annotations);
    if (!isCompat && isMadeOf(found, origin, 2, resolved)) {
      const difference = await findMissing(convertedReader, entries, listed, resolved);
      return difference ?? { outcome: 'current', indexes: listed.map(plainIndex), root: bareDescriptor(converted) };
    }
    const provenance = ANNOTATION_SOURCE_DIGEST in found ? { ...found, [ANNOTATION_SOURCE_DIGEST]: origin } : found;
    const available = await listKnownPlatforms(reader, image, platformOfOnlyImage(entries));
    const [first] = available;
    if (first === undefined) return notRecognized('nothing-to-index', `${image.digest} runs nowhere`);
    const { target, plans } = await planConversion(reader, image, first, available, resolved);
    const documents = await readDocuments(convertedReader, listed);
    const ztocs = await takeZtocs(convertedStore, documents, plans, resolved);
    if ('outcome' in ztocs) return ztocs;
    const shared = { version: 2, ztocs, options: resolved } as const;
    const indexes = plans.map(({ manifest, layers }) => writeSociIndex({ ...shared, subject: manifest, layers }));
    const attached = attachIndexes(plans, indexes);
    if (attached.length === 0) return notRecognized('nothing-to-index', `no layer of ${image.digest} is to be indexed`);
    const { root } = await rewriteImage(reader, target, attached, resolved, provenance);
    if (root.digest !== converted.digest) {
      return notRecognized('other-content', `converting ${image.digest} gives ${root.digest}, not ${converted.digest}`);
    }
    return { outcome: 'current', indexes: attached.map(({ descriptor }) => descriptor), root };
  });
}

function readDocuments(reader: ImageReader, indexes: readonly Descriptor[]): Promise<SociDocument[]> {
  return mapInParallel(indexes, RECOGNITION_READS, (index) => readSociDocument(reader, index));
}

/** What an image lacks that says it is what converting would give; undefined if nothing. */
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
      return notRecognized('other-content', `SOCI index ${digest} belongs to no manifest that is listed`);
  }
  for (const wanted of options.platforms ?? []) {
    const matches = matchPlatform(wanted);
    if (!images.some(({ platform }) => platform !== undefined && matches(platform))) {
      return notRecognized('other-content', `no manifest is listed for ${formatPlatform(wanted)}`);
    }
  }
  return findOtherSettings(await readDocuments(reader, indexes), options);
}

/** An entry of an image index as the SOCI index that building gives: without what places it in that image index. */
function plainIndex({ annotations, platform, ...entry }: Descriptor): Descriptor {
  return summarize(entry);
}

/** The platform of the only image that an image index lists, if it is written as one that is read from a configuration. */
function platformOfOnlyImage(entries: readonly Descriptor[]): Platform | undefined {
  const [only, ...others] = entries.filter((entry) => isImageManifest(entry.mediaType) && !isSociIndex(entry));
  if (only === undefined || others.length > 0 || only.platform === undefined) return undefined;
  const fields = (of: Platform) => JSON.stringify(Object.entries(of).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return fields(only.platform) === fields(normalizeAsGo(only.platform)) ? only.platform : undefined;
}

function isSociIndex({ artifactType }: Descriptor): boolean {
  return artifactType === MEDIA_TYPE_SOCI_INDEX_V2;
}
