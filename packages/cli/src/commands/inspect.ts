import { findZtoc } from '@soci/index';
import { readVerified } from '@soci/oci';
import { buildZtoc, decodeZtoc, type FileEntry } from '@soci/ztoc';
import { defineCommand, EXIT } from '../command/command.ts';
import { parseText, valueOption } from '../command/option.ts';
import { printFiles } from '../files/print-files.ts';
import { MAX_ZTOC_SIZE } from '../files/read-file.ts';
import { describeImage, findLayer, type ImageDescription, withWarnings } from '../image/describe-image.ts';
import { imageAsJson, printImage } from '../image/print-image.ts';
import { type OpenImage, withImageStores } from '../transports/image-stores.ts';
import { IMAGE_FORMS, parseLocation } from '../transports/location.ts';
import { REGISTRY_OPTIONS, toRegistryAccess } from '../transports/registry-options.ts';

export const command = defineCommand({
  details: [
    'With --layer, lists the files of that layer from its zTOC. A layer without a zTOC is read completely. The first six ' +
      'hexadecimal digits of the digest are enough if they are unique.',
  ],
  operands: [{ name: 'SRC', help: IMAGE_FORMS }],
  options: {
    layer: valueOption('DIGEST', parseText, 'list the files of this layer instead'),
    ...REGISTRY_OPTIONS,
  },
  examples: [
    { purpose: 'show whether and how an image is indexed', line: 'inspect oci:app:v1' },
    { purpose: 'list the files of a layer', line: 'inspect --layer 0709e2 oci:app:v1' },
  ],
  async run({ operands: [from = ''], options }, context) {
    const { output, signal } = context;
    const location = parseLocation(from);
    await withImageStores(await toRegistryAccess(options, [location], context), context, async (stores) => {
      const source = await stores.openImage(location);
      const image = await describeImage(source, { signal });
      if (options.layer !== undefined) {
        await printFiles(await listLayer(source, image, options.layer, signal), output);
      } else if (output.json) {
        await output.writeJson(imageAsJson(from, await withWarnings(image, source, { signal })));
      } else if (output.quiet) {
        await output.writeLine(image.root.digest);
      } else {
        await printImage(await withWarnings(image, source, { signal }), output);
      }
    });
    return EXIT.SUCCESS;
  },
});

async function listLayer(
  { store }: OpenImage,
  description: ImageDescription,
  named: string,
  signal: AbortSignal,
): Promise<readonly FileEntry[]> {
  const { image, layer } = findLayer(description, named);
  const ztoc = findZtoc(image.sociIndexes, layer.digest);
  if (ztoc !== undefined)
    return decodeZtoc(await readVerified(store, ztoc.descriptor, { maxSize: MAX_ZTOC_SIZE, signal })).files;
  const { ztoc: built } = await buildZtoc(store.fetch(layer, { signal }), { signal });
  return built.files;
}
