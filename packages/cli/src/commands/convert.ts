import { convertImage, DEFAULT_MIN_LAYER_SIZE } from '@soci/index';
import { IMAGE_OPTIONS, toIndexOptions } from '../arguments/image-options.ts';
import { defineCommand } from '../command.ts';
import { indexInto } from '../image/index-into.ts';
import { printOutcome } from '../image/print-outcome.ts';
import { destinationName } from '../transports/choose-root.ts';
import { parseLocation } from '../transports/location.ts';

export const convert = defineCommand({
  name: 'convert',
  summary: 'make a SOCI-enabled image out of an image (index version 2)',
  details: [
    'The new image holds the same layers, and a SOCI index for each platform. It is pushed and deployed like any other, ' +
      'and its index goes with it wherever it is copied (with skopeo: copy --all).',
    'DST is written when everything is done, or not at all. A layout folder that is there already is added to; a tar ' +
      'file is replaced.',
  ],
  operands: [
    { name: 'SRC', help: 'the image: oci:DIR[:TAG] or oci-archive:FILE[:TAG]' },
    { name: 'DST', help: 'where the new image goes, in the same way; without a TAG it has no name there' },
  ],
  options: IMAGE_OPTIONS,
  examples: [
    { purpose: 'from one layout folder to another', line: 'convert oci:app:v1 oci:app-soci:v1' },
    { purpose: 'beside the original, in the same folder', line: 'convert oci:app:v1 oci:app:v1-soci' },
    {
      purpose: 'one platform, smaller spans, into a tar file',
      line: 'convert --platform linux/arm64 --span-size 1MiB oci:app oci-archive:app.tar:v1',
    },
  ],
  async run({ operands: [from = '', to = ''], options }, context) {
    const source = parseLocation(from);
    const destination = parseLocation(to);
    const reference = destinationName(destination);
    const indexOptions = await toIndexOptions(options);
    const { result, verification, seconds } = await indexInto(
      {
        source,
        destination,
        options: indexOptions,
        build: ({ store, root }, given) => convertImage(store, root, given),
        verify: options.verify ? ({ root }) => [root] : undefined,
        roots: ({ root }) => [{ target: root, reference }],
      },
      context,
    );
    const isMade = result.outcome === 'indexed';
    return printOutcome(
      {
        result,
        source: from,
        destination: to,
        made: isMade ? [result.root] : [],
        json: isMade ? { root: result.root, indexes: result.indexes } : {},
        verification,
        seconds,
        minLayerSize: indexOptions.minLayerSize ?? DEFAULT_MIN_LAYER_SIZE,
      },
      context.output,
    );
  },
});
