import { PROFILE_TAG, pushProfile } from '@soci/index';
import { defineCommand, EXIT } from '../command/command.ts';
import { DRY_RUN_OPTION } from '../command/option.ts';
import { readProfileFile } from '../image/index-options.ts';
import { describeDryRun, dryRunAsJson, printPlannedWrites } from '../image/print-dry-run.ts';
import { pluralize } from '../terminal/quantity.ts';
import { withImageStores } from '../transports/image-stores.ts';
import { PROFILE_FORMS, parseProfileLocation } from '../transports/location.ts';
import { REGISTRY_OPTIONS, toRegistryAccess } from '../transports/registry-options.ts';

export const command = defineCommand({
  details: [
    'The profile says what the start of a container reads. It applies to images that are indexed later: by the deployed ' +
      'functions, if that is switched on, and by "convert --use-stored-profile". Existing indexes do not change.',
    `The last profile that was pushed applies. Earlier ones stay. The tag ${PROFILE_TAG} is set once and never moves, so ` +
      'immutable tags do not matter. Anyone who may push to the repository may change its profile.',
  ],
  operands: [
    { name: 'REPO', help: PROFILE_FORMS },
    { name: 'FILE', help: 'profile: JSON, or text with one path per line' },
  ],
  options: { 'dry-run': DRY_RUN_OPTION, ...REGISTRY_OPTIONS },
  examples: [{ purpose: 'store a recorded profile', line: 'profile push registry.example/app profile.json' }],
  async run({ operands: [to = '', file = ''], options }, context) {
    const { output, signal } = context;
    const location = parseProfileLocation(to);
    const profile = await readProfileFile(file, signal);
    const access = await toRegistryAccess(options, [location], context);
    await withImageStores(access, context, async (stores) => {
      const { store, planned } = await stores.openProfileStore(location, options['dry-run']);
      const { outcome, digest, manifest } = await pushProfile(store, profile, { signal });
      const writes = planned?.();
      if (output.json) {
        const fields = { destination: to, outcome, digest, manifest, files: profile.files.length };
        await output.writeJson({ ...fields, ...dryRunAsJson(writes) });
      } else if (output.quiet) {
        await output.writeLine(digest);
      } else {
        if (writes !== undefined && writes.length > 0) await printPlannedWrites(writes, output);
        await output.writeLine(`${output.style.bold(location.text)}  ${digest}`);
        const files = pluralize(profile.files.length, 'file');
        await output.writeLine(outcome === 'current' ? `Already stored: ${files}.` : `Profile of ${files}.`);
        if (writes !== undefined) await output.writeLine(describeDryRun(writes));
      }
    });
    return EXIT.SUCCESS;
  },
});
