import { defineCommand } from '../command/command.ts';
import { indexInto } from '../image/index-into.ts';
import { INDEX_OPTIONS } from '../image/index-options.ts';
import { IMAGE_FORMS } from '../transports/location.ts';

export const command = defineCommand({
  details: [
    'One index a platform, which refers to the image by its subject: in a registry it is found through the referrers ' +
      'API, in a layout it is listed in index.json without a name. Runtimes look for such an index only where they are ' +
      'told to; for new deployments use convert.',
    'Without DST the indexes are added to the repository, or the layout folder, that the image is in. With DST the image ' +
      'is copied there, and the indexes beside it.',
  ],
  operands: [
    { name: 'SRC', help: `the image: ${IMAGE_FORMS}` },
    {
      name: 'DST',
      help: 'where image and indexes go, in the same way; without a TAG the image has no name there',
      optional: true,
    },
  ],
  options: INDEX_OPTIONS,
  examples: [
    { purpose: 'add the indexes to the repository in a registry', line: 'create registry.example/app:v1' },
    { purpose: 'add the indexes to a layout folder', line: 'create oci:app:v1' },
    { purpose: 'image and indexes into a tar file', line: 'create oci:app:v1 oci-archive:app-indexed.tar:v1' },
  ],
  run: (given, context) => indexInto(1, given, context),
});
