import { defineCommand } from '../command/command.ts';
import { CONVERT_OPTIONS } from '../image/index-options.ts';
import { runIndexCommand } from '../image/run-index-command.ts';
import { DESTINATION_FORMS, IMAGE_FORMS } from '../transports/location.ts';

export const command = defineCommand({
  details: [
    'The new image has the same layers, plus a SOCI index for each platform. Push and deploy it like any other image. ' +
      'Tools that copy images unchanged, such as "crane copy" and "oras cp", copy the SOCI index too.',
    'DST is written completely or not at all. In a registry, the tag is written last. Other images in an ' +
      'existing layout directory are kept; an existing tar file is replaced. If a registry already has the result as ' +
      'DST, no layer is read and nothing is written.',
  ],
  operands: [
    { name: 'SRC', help: IMAGE_FORMS },
    { name: 'DST', help: `new image: ${DESTINATION_FORMS}` },
  ],
  options: CONVERT_OPTIONS,
  examples: [
    {
      purpose: 'convert an image within its registry',
      line: 'convert registry.example/app:v1 registry.example/app:v1-soci',
    },
    { purpose: 'convert from one layout directory to another', line: 'convert oci:app:v1 oci:app-soci:v1' },
    {
      purpose: 'index one platform and write a tar file',
      line: 'convert --platform linux/arm64 oci:app oci-archive:app.tar:v1',
    },
  ],
  run: (args, context) => runIndexCommand(2, args, context),
});
