import { defineCommand } from '../command/command.ts';
import { INDEX_OPTIONS } from '../image/index-options.ts';
import { runIndexCommand } from '../image/run-index-command.ts';
import { DESTINATION_FORMS, IMAGE_FORMS } from '../transports/location.ts';

export const command = defineCommand({
  details: [
    'Each platform gets one index, which refers to the image manifest as its subject. Registries list it in the ' +
      'referrers API; layouts list it in index.json without a tag. Runtimes use such an index only if they are ' +
      'configured to. For new deployments, use convert.',
    'Without DST, the indexes are added to the repository or layout directory of SRC. With DST, the image and its indexes ' +
      'are copied there.',
  ],
  operands: [
    { name: 'SRC', help: IMAGE_FORMS },
    { name: 'DST', help: `copy: ${DESTINATION_FORMS}`, optional: true },
  ],
  options: INDEX_OPTIONS,
  examples: [
    { purpose: 'add indexes to a repository in a registry', line: 'create registry.example/app:v1' },
    { purpose: 'add indexes to a layout directory', line: 'create oci:app:v1' },
    {
      purpose: 'write image and indexes to a tar file',
      line: 'create oci:app:v1 oci-archive:app-indexed.tar:v1',
    },
  ],
  run: (args, context) => runIndexCommand(1, args, context),
});
