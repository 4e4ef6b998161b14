import { defineCommand } from '../command/command.ts';
import { BACKFILL_OPTIONS } from '../registry-jobs/backfill-options.ts';
import { GLOB_FORMS } from '../registry-jobs/registry-globs.ts';
import { runBackfill } from '../registry-jobs/run-backfill.ts';

export const command = defineCommand({
  details: [
    'Converts each image that has no current index, within its repository, like "convert". The newest images are first. An ' +
      'image that fails does not stop the run.',
    'The state file has a line for each finished image. After an interruption, run the same command again: it continues ' +
      'where it stopped, and tries again what failed. Two runs cannot use the same state file.',
    'Exit code 0: the run is complete, even if some images failed; 1: all images failed, or the run could not start; 3: ' +
      'there is nothing to do.',
  ],
  operands: [{ name: 'HOST/GLOB', help: GLOB_FORMS, repeated: true }],
  options: BACKFILL_OPTIONS,
  examples: [
    { purpose: 'show what would be done, with time and cost', line: "backfill --dry-run 'registry.example/*'" },
    {
      purpose: 'index the release tags of the last 30 days',
      line: "backfill --filter '*:v*' --newer-than 30d 'registry.example/team/*'",
    },
  ],
  run: (args, context) => runBackfill(args, context),
});
