import { defineCommand, EXIT } from '../command/command.ts';
import { valueOption } from '../command/option.ts';
import { parseCount } from '../command/size.ts';
import { CliError } from '../errors.ts';
import { describeImage, indexedSize } from '../image/describe-image.ts';
import { printIndexes, printVerification, verificationAsJson, verifyIndexes } from '../image/verify-indexes.ts';
import { withImageStores } from '../transports/image-stores.ts';
import { IMAGE_FORMS, parseLocation } from '../transports/location.ts';
import { REGISTRY_OPTIONS, toRegistryAccess } from '../transports/registry-options.ts';

const MAX_SAMPLE = 999_999_999;

export const command = defineCommand({
  details: [
    'Each layer is read once, decompressed from its start by another decoder, and compared: the digest of every span, ' +
      'the list of files, and the content of files as it is read through the spans. A zTOC that belongs to another ' +
      'layer is found out. The exit code is 1 where anything is wrong.',
  ],
  operands: [{ name: 'SRC', help: `the image: ${IMAGE_FORMS}` }],
  options: {
    sample: valueOption('N', parseCount(MAX_SAMPLE), 'compare the content of so many files a layer (default: all)'),
    seed: valueOption(
      'N',
      parseCount(MAX_SAMPLE),
      'choose other files for the sample; the same number, the same files',
    ),
    ...REGISTRY_OPTIONS,
  },
  examples: [
    { purpose: 'every file', line: 'verify oci:app-soci:v1' },
    { purpose: 'a hundred files a layer', line: 'verify --sample 100 oci:app-soci:v1' },
  ],
  async run({ operands: [from = ''], options }, context) {
    const { output, signal } = context;
    const location = parseLocation(from);
    const access = await toRegistryAccess(options, [location], context);
    const progress = output.openProgress();
    const verification = await withImageStores(access, signal, async (stores) => {
      const source = await stores.openImage(location);
      const { root, images } = await describeImage(source, { signal });
      const documents = images.flatMap(({ sociIndexes }) => sociIndexes);
      const listed = documents.some(({ version }) => version === 2) ? [root] : [];
      const referring = documents.filter(({ version }) => version === 1).map(({ descriptor }) => descriptor);
      if (listed.length + referring.length === 0) {
        throw new CliError('NOT_INDEXED', `${from} has no SOCI index`, { remedy: 'Make one with convert or create.' });
      }
      const totalSize = indexedSize(images);
      const { sample, seed } = options;
      return verifyIndexes(source.store, [...listed, ...referring], { sample, seed, signal, progress, totalSize });
    }).finally(() => progress.close());
    if (output.json) await output.writeJson({ source: from, ...verificationAsJson(verification) });
    else {
      if (!output.quiet) await printIndexes(verification, output);
      await printVerification(verification, output);
    }
    return verification.outcome === 'valid' ? EXIT.DONE : EXIT.FAILED;
  },
});
