import { defineCommand } from '../command/command.ts';
import { DOCTOR_OPTIONS, runDoctor } from '../doctor/run-doctor.ts';

export const command = defineCommand({
  details: [
    'Reads what the registry says about an image, and answers why it does not load lazily: the likeliest cause, what was ' +
      'read, what it means, and what helps. Makes at most 10 requests, plus one per layer. Changes nothing.',
    'Exits with 0 if the image loads lazily as far as can be told, with 3 if there is nothing to gain, with 4 if a cause ' +
      'was found, and with 1 if the evidence cannot be read.',
  ],
  operands: [{ name: 'REF', help: 'HOST/REPO[:TAG] or HOST/REPO@DIGEST, the image as it is deployed' }],
  options: DOCTOR_OPTIONS,
  examples: [
    { purpose: 'find out why an image is pulled whole', line: 'doctor registry.example/app:v1' },
    {
      purpose: 'examine the image of Graviton tasks',
      line: 'doctor --platform linux/arm64 registry.example/app:v1-soci',
    },
  ],
  run: (args, context) => runDoctor(args, context),
});
