// Whether the layers can be loaded lazily, and whether that gains anything.
import { DEFAULT_MIN_LAYER_SIZE } from '@soci/index';
import { type Descriptor, layerCompression } from '@soci/oci';
import { formatBytes, formatPercent, pluralize, shortDigest } from '../../terminal/quantity.ts';
import { type Cause, found, NO_IMAGE, notChecked, ruledOut } from '../cause.ts';
import { isUnread, type RegistryEvidence } from '../evidence.ts';
import { indexedName, listWords, rebuildCommand, sociIndex } from '../names.ts';

/** Size of an image below which AWS expects little gain, in bytes. */
const WORTHWHILE_SIZE = 250 * 2 ** 20;

/** Span size above which a read of a small file fetches noticeably more than it needs, in bytes. */
const LARGE_SPAN = 16 * 2 ** 20;

export const UNSUPPORTED_COMPRESSION: Cause = {
  id: 'unsupported-compression',
  title: 'layers are compressed with zstd, or in another way that SOCI does not support',
  check(evidence) {
    const { registry } = evidence;
    const { image, formats, name } = registry;
    if (image === undefined) return NO_IMAGE;
    const supported = new Set(supportedLayers(registry));
    const others = image.layers.filter((layer) => !supported.has(layer));
    if (others.length === 0)
      return ruledOut(
        `gzip or uncompressed, according to ${formats.size > 0 ? 'the media types and the first bytes' : 'the media types'}`,
      );
    const compressionOf = ({ digest, mediaType }: (typeof others)[number]) =>
      formats.get(digest) ?? layerCompression(mediaType) ?? 'no layer';
    const kinds = [...new Set(others.map(compressionOf))];
    const isZstd = kinds.includes('zstd');
    const disguised = others.filter(
      ({ digest, mediaType }) => formats.get(digest) === 'zstd' && layerCompression(mediaType) !== 'zstd',
    );
    const [part, whole] = [sizeOf(others), sizeOf(image.layers)];
    // An index that covers most of the image is still useful.
    const hasOthers = ztocLayers(registry).size > 0 || indexableLayers(registry).length > 0;
    const kind = hasOthers && part * 2 < whole ? 'note' : 'cause';
    const isSmall = others.every(({ size }) => size < DEFAULT_MIN_LAYER_SIZE);
    return found(
      kind,
      `${describeCount(others.length, image.layers.length)} of ${name} cannot be loaded lazily: ${isZstd ? 'compressed with zstd' : listWords(kinds)}.`,
      {
        read: [
          `${describeCount(others.length, image.layers.length)} (${formatPercent(part, whole)} of the bytes): ${listWords(others.map((layer) => `${shortDigest(layer.digest)} ${compressionOf(layer)}`))}`,
          ...(disguised.length > 0
            ? [
                `${pluralize(disguised.length, 'layer')} with a media type of gzip ${disguised.length === 1 ? 'starts' : 'start'} with the magic number of zstd`,
              ]
            : []),
        ],
        means:
          'SOCI indexes only gzip and uncompressed layers. soci-snapshotter has no decoder for zstd. Such layers are pulled whole before the container starts.',
        remedy: [
          isZstd
            ? `Recompress the layers with gzip while indexing: ${sociIndex('convert', '--recompress', name, indexedName(evidence))}`
            : 'Push the layers as gzip, unencrypted',
          ...(isZstd
            ? [
                'Or build with gzip: docker buildx build --output type=image,compression=gzip,force-compression=true,push=true',
              ]
            : []),
          ...(isSmall
            ? [
                `All of them are smaller than ${formatBytes(DEFAULT_MIN_LAYER_SIZE)}: lazy loading gains little. To index them anyway, add --min-layer-size 0.`,
              ]
            : []),
        ],
      },
    );
  },
};

function describeCount(part: number, whole: number): string {
  return part === whole
    ? whole === 1
      ? 'The only layer'
      : `All ${whole} layers`
    : `${part} of ${pluralize(whole, 'layer')}`;
}

export const SMALL_LAYERS: Cause = {
  id: 'small-layers',
  title: 'the layers are too small to gain from lazy loading',
  check(evidence) {
    const { registry } = evidence;
    const { image, name } = registry;
    if (image === undefined) return NO_IMAGE;
    const total = sizeOf(image.layers);
    const limit = formatBytes(DEFAULT_MIN_LAYER_SIZE);
    const largest = Math.max(0, ...image.layers.map(({ size }) => size));
    const sizes = `${pluralize(image.layers.length, 'layer')}, ${formatBytes(total)} in total, the largest ${formatBytes(largest)}`;
    if (hasAnyIndex(registry) || indexableLayers(registry).length > 0) {
      if (total >= WORTHWHILE_SIZE) return ruledOut(sizes);
      return found('note', `The image is small (${formatBytes(total)}): lazy loading may gain little.`, {
        read: [sizes],
        means:
          'AWS recommends lazy loading for images larger than 250 MiB, compressed. A smaller image is pulled quickly anyway.',
        remedy: [`Estimate the gain before you rely on it: ${sociIndex('report', name)}`],
      });
    }
    if (largest >= DEFAULT_MIN_LAYER_SIZE) return ruledOut(sizes);
    return found('no-gain', `Nothing to gain: all layers of ${name} are smaller than ${limit}.`, {
      read: [sizes],
      means: `Layers below ${limit} get no zTOC by default, because a pull of them takes less time than mounting them lazily. An image without any zTOC has no SOCI index.`,
      remedy: [
        'Nothing is wrong. The ordinary pull is the fast way for this image.',
        `To index it anyway, for example for a test: ${sociIndex('convert', '--min-layer-size', '0', name, indexedName(evidence))}`,
      ],
    });
  },
};

function hasAnyIndex({ index, v1, counterpart }: RegistryEvidence): boolean {
  const isIndexed = counterpart !== undefined && !isUnread(counterpart) && counterpart.state === 'indexed';
  return index !== undefined || isIndexed || (v1 !== undefined && !isUnread(v1) && v1.indexes.length > 0);
}

export const BLOBS_UNREADABLE: Cause = {
  id: 'blobs-unreadable',
  title: 'manifests can be read, but not ranges of layers',
  check({ registry }) {
    const { ranges, name } = registry;
    if (ranges === undefined) return notChecked('no layer was read');
    if (ranges === 'supported')
      return ruledOut('the registry returned a range of a layer, with your credentials; those of the task can differ');
    return found('cause', `The manifests of ${name} can be read, but not ranges of its layers.`, {
      read: [`a request for the first bytes of a layer: ${ranges.unread}`],
      means:
        'Lazy loading reads ranges of layers while the container runs. Without them, the runtime fails or pulls layers whole.',
      remedy: [
        'On Amazon ECR, layers come from Amazon S3. Allow s3:GetObject for arn:aws:s3:::prod-REGION-starport-layer-bucket/* in the policy of the S3 gateway endpoint',
        'Allow ecr:BatchGetImage and ecr:GetDownloadUrlForLayer in the execution role',
        'If a proxy or a cache is in front of the registry, let it pass the Range header.',
      ],
    });
  },
};

export const SLOW_SPANS: Cause = {
  id: 'lazy-but-slow',
  title: 'the spans are so large that reads of small files are slow',
  check({ registry }) {
    const { index } = registry;
    if (index === undefined || isUnread(index) || index.state !== 'present')
      return ruledOut('the image has no SOCI index that can be read');
    const spans = index.ztocs.flatMap(({ spanSize }) => spanSize ?? []);
    const largest = Math.max(0, ...spans);
    if (largest <= LARGE_SPAN) return ruledOut(`spans of up to ${formatBytes(largest)}`);
    return found(
      'note',
      `The image loads lazily, but its spans are large (${formatBytes(largest)}): each first read of a file fetches a whole span.`,
      {
        read: [`the SOCI index ${shortDigest(index.digest)}: span sizes up to ${formatBytes(largest)}`],
        means:
          'Small spans make first reads faster. A container that reads many files at start can be slower than after an ordinary pull.',
        remedy: [
          `Choose spans from what the start reads: ${rebuildCommand(registry, '--span-size', 'auto')}`,
          'Give health checks a grace period: a lazy container starts sooner, but answers its first request later.',
        ],
      },
    );
  },
};

/** Returns the layers whose compression a zTOC supports, by their media type and first bytes. */
function supportedLayers({ image, formats }: RegistryEvidence): readonly Descriptor[] {
  return (image?.layers ?? []).filter(({ digest, mediaType }) => {
    const compression = layerCompression(mediaType);
    const format = formats.get(digest);
    return (
      (compression === 'gzip' || compression === 'uncompressed' || compression === 'unknown') &&
      format !== 'zstd' &&
      format !== 'xz'
    );
  });
}

/** Returns the layers that `convert` would index with its default settings. */
export function indexableLayers(registry: RegistryEvidence): readonly Descriptor[] {
  return supportedLayers(registry).filter(({ size }) => size >= DEFAULT_MIN_LAYER_SIZE);
}

/** Returns the digests of the layers that have a zTOC in the v2 index of the image. */
export function ztocLayers({ index }: RegistryEvidence): ReadonlySet<string> {
  return new Set(index === undefined || 'unread' in index ? [] : index.ztocs.map(({ layer }) => layer));
}

/** Returns the total size of layers, in bytes. */
export function sizeOf(layers: readonly Descriptor[]): number {
  return layers.reduce((sum, { size }) => sum + size, 0);
}
