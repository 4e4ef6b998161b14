import { defineCommand } from '../command/command.ts';
import { POLICY_OPTIONS } from '../registry-jobs/bulk-options.ts';
import { GLOB_FORMS } from '../registry-jobs/registry-globs.ts';
import { runStatus } from '../registry-jobs/run-status.ts';

export const command = defineCommand({
  details: [
    'Counts the tags of each repository: INDEXED have an index, MISSING have none, STALE have one that belongs to another ' +
      'image or was built with other settings. To compare settings, pass the options that the images are converted with.',
    'Reads listings, and the manifests of indexes. Changes nothing.',
  ],
  operands: [{ name: 'HOST/GLOB', help: GLOB_FORMS, repeated: true }],
  options: POLICY_OPTIONS,
  examples: [
    { purpose: 'show all repositories of a team', line: "status 'registry.example/team/*'" },
    { purpose: 'count only release tags', line: "status --filter '*:v*' 'registry.example/*'" },
  ],
  run: (args, context) => runStatus(args, context),
});
