import { defineCommand } from '../command/command.ts';
import { LIFECYCLE_OPTIONS, runLifecycle } from '../registry-jobs/run-lifecycle.ts';

export const command = defineCommand({
  details: [
    'Says what the lifecycle rules of an Amazon ECR repository do to images and their SOCI-enabled images, and proposes rules ' +
      'that treat both in the same way. Changes nothing.',
    'With --json, the field "proposal" is the text for "aws ecr put-lifecycle-policy". Check it with a lifecycle policy ' +
      'preview first.',
  ],
  operands: [{ name: 'HOST/REPO', help: 'repository of Amazon ECR' }],
  options: LIFECYCLE_OPTIONS,
  examples: [
    { purpose: 'check the rules of a repository', line: 'lifecycle 123456789012.dkr.ecr.eu-west-1.amazonaws.com/app' },
    { purpose: 'check rules in a file, without AWS', line: 'lifecycle --policy policy.json registry.example/app' },
  ],
  run: runLifecycle,
});
