import { defineCommand } from '../command/command.ts';
import { indexInto } from '../image/index-into.ts';
import { INDEX_OPTIONS } from '../image/index-options.ts';
import { IMAGE_FORMS } from '../transports/location.ts';

export const command = defineCommand({
  details: [
    'The new image holds the same layers, and a SOCI index for each platform. It is pushed and deployed like any other, ' +
      'and its index goes with it wherever it is copied as it is (crane copy, oras cp).',
    'DST is written when everything is done, or not at all. A layout folder that is there already is added to; a tar ' +
      'file is replaced. In a registry the tag comes last, when all that it stands for is there; what is there already is ' +
      'neither read nor sent again, and where nothing is missing nothing is done.',
  ],
  operands: [
    { name: 'SRC', help: `the image: ${IMAGE_FORMS}` },
    { name: 'DST', help: 'where the new image goes, in the same way; without a TAG it has no name there' },
  ],
  options: INDEX_OPTIONS,
  examples: [
    {
      purpose: 'in a registry, beside the original: nothing is stored here',
      line: 'convert registry.example/app:v1 registry.example/app:v1-soci',
    },
    { purpose: 'from one layout folder to another', line: 'convert oci:app:v1 oci:app-soci:v1' },
    {
      purpose: 'one platform, smaller spans, into a tar file',
      line: 'convert --platform linux/arm64 --span-size 1MiB oci:app oci-archive:app.tar:v1',
    },
  ],
  run: (given, context) => indexInto(2, given, context),
});
