import { defineCommand, EXIT } from '../command/command.ts';
import { valueOption } from '../command/option.ts';
import { parseCount } from '../command/size.ts';
import { CliError } from '../errors.ts';
import { describeImage, indexedSize } from '../image/describe-image.ts';
import { printIndexes, printVerification, verificationAsJson, verifyIndexes } from '../image/verify-indexes.ts';
import { PROGRAM } from '../io.ts';
import { withImageStores } from '../transports/image-stores.ts';
import { IMAGE_FORMS, parseLocation } from '../transports/location.ts';
import { REGISTRY_OPTIONS, toRegistryAccess } from '../transports/registry-options.ts';

const MAX_SAMPLE = 999_999_999;

export const command = defineCommand({
  details: [
    'Reads each layer once and decompresses it with a second, independent decoder. Then compares the digest of every span, ' +
      'the list of files, and the content of the files as read through the spans. Detects a zTOC that belongs to another ' +
      'layer. Exits with 1 if anything differs.',
  ],
  operands: [{ name: 'SRC', help: IMAGE_FORMS }],
  options: {
    sample: valueOption('N', parseCount(MAX_SAMPLE), 'compare N files per layer (default: all)'),
    seed: valueOption('N', parseCount(MAX_SAMPLE), 'set the random seed of the sample'),
    ...REGISTRY_OPTIONS,
  },
  examples: [
    { purpose: 'verify every file', line: 'verify oci:app-soci:v1' },
    { purpose: 'verify 100 files per layer', line: 'verify --sample 100 oci:app-soci:v1' },
  ],
  async run({ operands: [from = ''], options }, context) {
    const { output, signal } = context;
    const location = parseLocation(from);
    const access = await toRegistryAccess(options, [location], context);
    const progress = output.openProgress();
    const verification = await withImageStores(access, context, async (stores) => {
      const source = await stores.openImage(location);
      const { root, images } = await describeImage(source, { signal });
      const documents = images.flatMap(({ sociIndexes }) => sociIndexes);
      const listed = documents.some(({ version }) => version === 2) ? [root] : [];
      const referring = documents.filter(({ version }) => version === 1).map(({ descriptor }) => descriptor);
      if (images.length === 0) throw new CliError('SOURCE_INVALID', `${from} contains no image`);
      if (listed.length + referring.length === 0) {
        throw new CliError('NOT_INDEXED', `${from} has no SOCI index`, {
          remedy: `Create one with "${PROGRAM} convert" or "${PROGRAM} create".`,
        });
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
    return verification.outcome === 'valid' ? EXIT.SUCCESS : EXIT.FAILED;
  },
});
