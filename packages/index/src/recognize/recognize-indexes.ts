import {
  bareDescriptor,
  type CallOptions,
  type Descriptor,
  type Fetcher,
  type Platform,
  type ReferrerLister,
} from '@soci/oci';
import { choosePlatforms, type PlatformPlan, planPlatforms } from '../convert/plan-image.ts';
import { isMadeOf, readProvenance } from '../convert/provenance.ts';
import { writeSociIndex } from '../convert/soci-manifest.ts';
import { ImageReader } from '../image/image-reader.ts';
import { mapInParallel } from '../in-parallel.ts';
import { readSociDocument } from '../inspect/soci-document.ts';
import { type ResolvedOptions, resolveOptions, type SociIndexOptions } from '../options.ts';
import { ANNOTATION_BUILD_TOOL_IDENTIFIER, MEDIA_TYPE_SOCI_INDEX_V1 } from '../vocabulary.ts';
import { findOtherSettings, listKnownPlatforms, RECOGNITION_READS, takeZtocs } from './known-content.ts';
import { type NotRecognized, notRecognized, orNotRecognized, type Recognition } from './recognition.ts';

/** SOCI indexes of one manifest that are looked at: made with other settings, or by others. */
const MAX_REFERRERS = 64;

/** Of a single manifest it makes no difference to a v1 index what it runs on: its configuration is not read. */
const UNTOLD: Platform = { architecture: '', os: '' };

/**
 * Tells from manifests alone whether the v1 SOCI indexes that {@link buildSociIndex} would give are there, found by what
 * refers to the image's manifests. Of an image with one manifest the list of referrers and the SOCI index are fetched,
 * beside the root. For what is read beyond manifests, and what is not looked at, see {@link recognizeConversion}.
 *
 * @param store - Holds the image and its indexes.
 * @throws SociIndexError `OPTION_INVALID`; what the store throws but for `OciError`; the signal's reason.
 */
export async function recognizeIndexes(
  store: Fetcher & ReferrerLister,
  image: Descriptor,
  options: SociIndexOptions = {},
): Promise<Recognition> {
  const resolved = resolveOptions(options, 1);
  const reader = new ImageReader(store, resolved.limits, resolved.signal);
  return orNotRecognized(async () => {
    const available = await listKnownPlatforms(reader, image, UNTOLD);
    const plans = await planPlatforms(reader, image, choosePlatforms(image, available, resolved), resolved);
    const isWanted = plans.map(({ layers }) => layers.some((layer) => 'task' in layer));
    if (!isWanted.includes(true) || (resolved.isCompat && isWanted.includes(false))) {
      return notRecognized('nothing-to-index', `no layer of ${image.digest} is to be indexed`);
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

/** Finds, among the v1 indexes of a manifest, the one that building again would give: by what it says of itself, or by writing it again. */
async function findIndex(
  store: Fetcher & ReferrerLister,
  reader: ImageReader,
  plan: PlatformPlan,
  options: ResolvedOptions,
): Promise<Descriptor | NotRecognized> {
  const { manifest, layers } = plan;
  let why = notRecognized('not-indexed', `no SOCI index refers to ${manifest.digest}`);
  let looked = 0;
  const call: CallOptions = options.signal === undefined ? {} : { signal: options.signal };
  for await (const referrer of store.referrers(manifest, MEDIA_TYPE_SOCI_INDEX_V1, call)) {
    if (looked === MAX_REFERRERS) break;
    looked += 1;
    const { [ANNOTATION_BUILD_TOOL_IDENTIFIER]: tool = options.buildToolIdentifier } = referrer.annotations ?? {};
    if (tool !== options.buildToolIdentifier) {
      why = notRecognized('other-settings', `SOCI index ${referrer.digest} was made by another tool`);
      continue;
    }
    const listed: Descriptor = { ...bareDescriptor(referrer), artifactType: MEDIA_TYPE_SOCI_INDEX_V1 };
    const compared = await orNotRecognized(async () => {
      const document = await readSociDocument(reader, referrer);
      const provenance = readProvenance(document.annotations);
      if (!options.isCompat && isMadeOf(provenance, manifest.digest, 1, options)) {
        return findOtherSettings([document], options) ?? listed;
      }
      const ztocs = await takeZtocs(store, [document], [plan], options);
      if ('outcome' in ztocs) return ztocs;
      const index = writeSociIndex({ version: 1, subject: manifest, layers, ztocs, options, provenance });
      return index?.descriptor.digest === referrer.digest
        ? listed
        : notRecognized('other-content', `SOCI index ${referrer.digest} is not what building it again gives`);
    });
    if (!('outcome' in compared)) return compared;
    why = compared;
  }
  return why;
}
