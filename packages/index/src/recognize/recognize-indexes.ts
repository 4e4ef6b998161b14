import {
  bareDescriptor,
  type CallOptions,
  type Descriptor,
  type Fetcher,
  type Platform,
  type ReferrerLister,
} from '@soci/oci';
import { choosePlatforms, type PlatformPlan, planPlatforms } from '../convert/plan-image.ts';
import { findPrefetchFiles } from '../convert/prefetch-files.ts';
import { matchesProvenance, readProvenance } from '../convert/provenance.ts';
import { writeSociIndex } from '../convert/soci-manifest.ts';
import { ImageReader } from '../image/image-reader.ts';
import { checkOwnPlatform } from '../image/select.ts';
import { mapInParallel } from '../in-parallel.ts';
import { readSociDocument } from '../inspect/soci-document.ts';
import { type ResolvedOptions, resolveOptions, type SociIndexOptions } from '../options.ts';
import { ANNOTATION_BUILD_TOOL_IDENTIFIER, MEDIA_TYPE_SOCI_INDEX_V1 } from '../vocabulary.ts';
import { collectListedZtocs, findOtherSettings, listKnownPlatforms, RECOGNITION_READS } from './listed-ztocs.ts';
import { catchContentErrors, type NotRecognized, notRecognized, type Recognition } from './recognition.ts';

/** Maximum number of SOCI indexes to check for one manifest. */
const MAX_REFERRERS = 64;

/** Placeholder for the platform of a single manifest. Its v1 index does not depend on it, so the configuration is read only to check selected platforms. */
const ANY_PLATFORM: Platform = { architecture: '', os: '' };

/**
 * Checks whether the v1 SOCI indexes that {@link buildSociIndex} would produce exist among the referrers of the image. Reads
 * only manifests, and the configuration of an image with one manifest if `platforms` are selected. For an image with one
 * manifest, fetches the root, the list of referrers and the SOCI index. The comparison is that of
 * {@link recognizeConversion}.
 *
 * @param store - Store of the image and its indexes.
 * @throws SociIndexError `OPTION_INVALID`; errors of the store other than `OciError`; the abort reason of the signal.
 */
export async function recognizeIndexes(
  store: Fetcher & ReferrerLister,
  image: Descriptor,
  options: SociIndexOptions = {},
): Promise<Recognition> {
  const resolved = resolveOptions(options, 1);
  const reader = new ImageReader(store, resolved.limits, resolved.signal);
  return catchContentErrors(async () => {
    const isSelecting = resolved.platforms !== undefined && !resolved.isCompat;
    const available = await listKnownPlatforms(reader, image, isSelecting ? undefined : ANY_PLATFORM, resolved);
    const chosen = choosePlatforms(image, available, resolved);
    if (isSelecting) checkOwnPlatform(image, available, chosen);
    const plans = await planPlatforms(reader, image, chosen, resolved);
    const isWanted = plans.map(({ layers }) => layers.some((layer) => 'task' in layer));
    if (!isWanted.includes(true) || (resolved.isCompat && isWanted.includes(false))) {
      return notRecognized('nothing-to-index', `${image.digest} has no layer to index`);
    }
    const wanted = plans.filter((_, position) => isWanted[position]);
    const indexes: Descriptor[] = [];
    for (const index of await mapInParallel(wanted, RECOGNITION_READS, (plan) =>
      findIndex(store, reader, plan, resolved),
    )) {
      if ('outcome' in index) return index;
      indexes.push(index);
    }
    return { outcome: 'current', indexes };
  });
}

/** Finds the current index among the v1 indexes of a manifest: by its provenance annotations, or by writing it again. */
async function findIndex(
  store: Fetcher & ReferrerLister,
  reader: ImageReader,
  plan: PlatformPlan,
  options: ResolvedOptions,
): Promise<Descriptor | NotRecognized> {
  const { manifest, layers } = plan;
  let result = notRecognized('not-indexed', `no SOCI index refers to ${manifest.digest}`);
  let checked = 0;
  const call: CallOptions = options.signal === undefined ? {} : { signal: options.signal };
  for await (const referrer of store.referrers(manifest, MEDIA_TYPE_SOCI_INDEX_V1, call)) {
    if (checked === MAX_REFERRERS) break;
    checked += 1;
    const { [ANNOTATION_BUILD_TOOL_IDENTIFIER]: tool = options.buildToolIdentifier } = referrer.annotations ?? {};
    if (tool !== options.buildToolIdentifier) {
      result = notRecognized('other-settings', `SOCI index ${referrer.digest} was built by another tool`);
      continue;
    }
    const listed: Descriptor = { ...bareDescriptor(referrer), artifactType: MEDIA_TYPE_SOCI_INDEX_V1 };
    const compared = await catchContentErrors(async () => {
      const document = await readSociDocument(reader, referrer);
      const provenance = readProvenance(document.annotations);
      if (!options.isCompat && matchesProvenance(provenance, manifest.digest, 1, options)) {
        return findOtherSettings([document], options) ?? listed;
      }
      if (options.spanSize === 'auto') {
        return notRecognized('other-settings', `SOCI index ${referrer.digest} was not built with this profile`);
      }
      const ztocs = await collectListedZtocs(store, [document], [plan], options);
      if ('outcome' in ztocs) return ztocs;
      const prefetch = await findPrefetchFiles(layers, ztocs, options);
      const index = writeSociIndex({ version: 1, subject: manifest, layers, ztocs, options, prefetch, provenance });
      return index?.descriptor.digest === referrer.digest
        ? listed
        : notRecognized('other-content', `SOCI index ${referrer.digest} differs from the index that would be built`);
    });
    if (!('outcome' in compared)) return compared;
    result = compared;
  }
  return result;
}
