import { ANNOTATION_DISABLE_XATTRS, findZtoc, type SociDocument } from '@soci/index';
import { type Descriptor, formatPlatform, isEncrypted, layerCompression } from '@soci/oci';
import type { Output } from '../terminal/output.ts';
import { formatBytes, pluralize, shortDigest } from '../terminal/quantity.ts';
import { type Column, numberColumns } from '../terminal/table.ts';
import { printable } from '../terminal/text.ts';
import type { ImageDescription, PlatformImage } from './describe-image.ts';
import { warningsAsJson } from './print-warnings.ts';

const COLUMNS: readonly Column[] = [
  { title: 'LAYER' },
  ...numberColumns('SIZE'),
  { title: 'TYPE', flexible: true },
  { title: 'ZTOC' },
  ...numberColumns('SIZE', 'SPAN'),
];

/** Mark of a layer with a warning. */
const MARK = '!';

/** Prints the content of an image for users. */
export async function printImage({ root, images, others }: ImageDescription, output: Output): Promise<void> {
  const { bold, dim } = output.style;
  await output.writeLine(`${bold('image')}  ${root.digest}`);
  await output.writeLine(dim(printable(root.mediaType)));
  for (const image of images) {
    await output.writeLine();
    await output.writeLine(`${bold(printable(formatPlatform(image.platform)))}  ${image.manifest.digest}`);
    const rows = image.layers.map((layer) => layerRow(image, layer));
    await output.writeTable(COLUMNS, rows, '  ');
    for (const [digest, warnings] of image.warnings ?? []) {
      for (const { message } of warnings) {
        await output.writeLine(`  ${bold(MARK)} layer ${shortDigest(digest)}: ${printable(message)}`);
      }
    }
    for (const index of image.sociIndexes) await output.writeLine(`  ${describeIndex(index)}`);
    if (image.sociIndexes.length === 0) await output.writeLine(dim('  no SOCI index'));
  }
  if (others.length === 0) return;
  await output.writeLine();
  for (const { descriptor, kind } of others) {
    await output.writeLine(`${bold(printable(kind))}  ${descriptor.digest}  ${formatBytes(descriptor.size)}`);
  }
}

function layerRow(image: PlatformImage, { digest, size, mediaType }: Descriptor): string[] {
  const ztoc = findZtoc(image.sociIndexes, digest);
  const type = isEncrypted(mediaType) ? 'encrypted' : (layerCompression(mediaType) ?? printable(mediaType));
  const row = [shortDigest(digest), formatBytes(size), type];
  if (ztoc === undefined) return [...row, '-'];
  const { descriptor, spanSize, readsDigest } = ztoc;
  // The spans follow a profile: the span size is only the smallest one.
  const spans = readsDigest === undefined ? formatBytes(spanSize) : `from ${formatBytes(spanSize)}`;
  const mark = image.warnings?.has(digest) ? ` ${MARK}` : '';
  return [...row, `${shortDigest(descriptor.digest)}${mark}`, formatBytes(descriptor.size), spans];
}

function describeIndex({ version, descriptor, ztocs, prefetches }: SociDocument): string {
  const prefetch = prefetches.length > 0 ? `, prefetch for ${pluralize(prefetches.length, 'layer')}` : '';
  return `SOCI index v${version}  ${descriptor.digest}  ${pluralize(ztocs.length, 'zTOC')}${prefetch}`;
}

/** Returns what `inspect --json` prints. docs/cli.md documents the fields. */
export function imageAsJson(source: string, { root, images, others }: ImageDescription): object {
  return {
    source,
    root,
    platforms: images.map((image) => ({
      platform: image.platform,
      manifest: image.manifest,
      config: image.config,
      layers: image.layers.map((layer) => {
        const ztoc = findZtoc(image.sociIndexes, layer.digest);
        const { digest, mediaType, size } = layer;
        const common = { layer: digest, mediaType, layerSize: size, ...(ztoc && { ztoc: ztoc.descriptor.digest }) };
        return { ...common, ...warningsAsJson(image.warnings?.get(digest)) };
      }),
      indexes: image.sociIndexes.map(sociIndexAsJson),
    })),
    others: others.map(({ descriptor, kind }) => ({ kind, manifest: descriptor })),
  };
}

function sociIndexAsJson({ version, descriptor, ztocs, prefetches }: SociDocument): object {
  return {
    version,
    index: descriptor,
    ztocs: ztocs.map(({ layerDigest, spanSize, readsDigest, descriptor: { digest, size, annotations } }) => ({
      layer: layerDigest,
      digest,
      size,
      spanSize,
      ...(readsDigest !== undefined && { readsDigest }),
      disableXattrs: annotations?.[ANNOTATION_DISABLE_XATTRS] === 'true',
    })),
    prefetches: prefetches.map(({ layerDigest: layer, descriptor: { digest, size } }) => ({ layer, digest, size })),
  };
}
