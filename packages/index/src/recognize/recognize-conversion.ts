import { bareDescriptor, type Descriptor, type Fetcher, isImageManifest, MEDIA_TYPE_OCI_IMAGE_INDEX } from '@soci/oci';
import { planConversion } from '../convert/plan-image.ts';
import { attachIndexes, rewriteImage } from '../convert/rewrite-index.ts';
import { writeSociIndex } from '../convert/soci-manifest.ts';
import { type DescriptorStruct, type PlatformStruct, toDescriptorStruct } from '../go-json/image-spec.ts';
import { ImageReader } from '../image/image-reader.ts';
import { mapInParallel } from '../in-parallel.ts';
import { readSociDocument } from '../inspect/soci-document.ts';
import { resolveOptions } from '../options.ts';
import { MEDIA_TYPE_SOCI_INDEX_V2 } from '../vocabulary.ts';
import { isNormalized, listKnownPlatforms } from './known-platforms.ts';
import { notRecognized, orNotRecognized } from './not-recognized.ts';
import type { ConversionRecognition, RecognizeOptions } from './recognition.ts';
import { RECOGNITION_READS, takeZtocs } from './recognized-ztocs.ts';
import { reportRecognized } from './report-recognized.ts';

/**
 * Tells from manifests alone whether `converted` is, byte for byte, what {@link convertImage} would give: everything is
 * written anew but the zTOCs, which are taken from the SOCI indexes that it lists. Of an image with one manifest only the
 * SOCI index is fetched beside the two roots, of an image index its manifests too, several at a time. A zTOC is read only
 * for `prefetchFiles`, and under the `xattr` optimization where a layer is not marked. An image that is converted already
 * can be asked about by itself, `image` and `converted` being the same.
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
): Promise<ConversionRecognition> {
  const resolved = resolveOptions(options, 1);
  const { limits, signal } = resolved;
  const { convertedStore = store } = options;
  const reader = new ImageReader(store, limits, signal);
  const convertedReader = convertedStore === store ? reader : new ImageReader(convertedStore, limits, signal);
  if (converted.mediaType !== MEDIA_TYPE_OCI_IMAGE_INDEX) {
    return notRecognized('not-indexed', `${converted.digest} is no OCI image index: ${converted.mediaType}`);
  }
  return orNotRecognized(async () => {
    const source = toDescriptorStruct(image);
    const entries = (await convertedReader.index(toDescriptorStruct(bareDescriptor(converted)))).manifests ?? [];
    convertedReader.startWalk()(entries.length);
    const listed = entries.filter(isSociIndex);
    if (listed.length === 0) return notRecognized('not-indexed', `${converted.digest} lists no SOCI index`);
    const available = await listKnownPlatforms(reader, source, platformOfOnlyImage(entries));
    const [first] = available;
    if (first === undefined) return notRecognized('nothing-to-index', `${image.digest} runs nowhere`);
    const { target, plans } = await planConversion(reader, source, first, available, resolved);
    const documents = await mapInParallel(listed, RECOGNITION_READS, (index) =>
      readSociDocument(convertedReader, index),
    );
    const ztocs = await takeZtocs(convertedStore, documents, plans, resolved);
    if ('outcome' in ztocs) return ztocs;
    const indexes = plans.map(({ manifest, layers }) =>
      writeSociIndex({ version: 2, subject: manifest, layers, ztocs, options: resolved }),
    );
    const attached = attachIndexes(plans, indexes);
    if (attached.length === 0) return notRecognized('nothing-to-index', `no layer of ${image.digest} is to be indexed`);
    const { root } = await rewriteImage(reader, target, attached, resolved);
    if (root.digest !== converted.digest) {
      return notRecognized('other-content', `converting ${image.digest} gives ${root.digest}, not ${converted.digest}`);
    }
    return { ...reportRecognized(plans, indexes), root };
  });
}

/** The platform of the only image that an image index lists, where it is one that a configuration can have given. */
function platformOfOnlyImage(entries: readonly DescriptorStruct[]): PlatformStruct | null {
  const [only, ...others] = entries.filter((entry) => isImageManifest(entry.mediaType) && !isSociIndex(entry));
  if (only === undefined || others.length > 0 || only.platform === null) return null;
  return isNormalized(only.platform) ? only.platform : null;
}

function isSociIndex({ artifactType }: DescriptorStruct): boolean {
  return artifactType === MEDIA_TYPE_SOCI_INDEX_V2;
}
