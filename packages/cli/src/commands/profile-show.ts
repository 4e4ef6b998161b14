import { encodeProfile, findStoredProfile } from '@soci/index';
import { escapeJson } from '@soci/oci';
import { defineCommand, EXIT } from '../command/command.ts';
import { CliError } from '../errors.ts';
import { PROGRAM } from '../io.ts';
import { withImageStores } from '../transports/image-stores.ts';
import { PROFILE_FORMS, parseProfileLocation } from '../transports/location.ts';
import { REGISTRY_OPTIONS, toRegistryAccess } from '../transports/registry-options.ts';

export const command = defineCommand({
  details: ['Prints JSON that "profile push" accepts.'],
  operands: [{ name: 'REPO', help: PROFILE_FORMS }],
  options: REGISTRY_OPTIONS,
  examples: [{ purpose: 'show which profile applies to new images', line: 'profile show registry.example/app' }],
  async run({ operands: [from = ''], options }, context) {
    const { output, signal } = context;
    const location = parseProfileLocation(from);
    const stored = await withImageStores(
      await toRegistryAccess(options, [location], context),
      context,
      async (stores) => findStoredProfile((await stores.openProfileStore(location)).store, { signal }),
    );
    if (stored === undefined) {
      throw new CliError('PROFILE_NOT_FOUND', `${from} has no stored profile`, {
        remedy: `Store one with "${PROGRAM} profile push ${from} FILE".`,
      });
    }
    const { profile, digest, manifest, created } = stored;
    if (output.json) {
      const time = created === undefined ? {} : { created: new Date(created).toISOString() };
      await output.writeJson({ source: from, digest, manifest: manifest.digest, ...time, profile });
    } else if (output.quiet) {
      await output.writeLine(digest);
    } else {
      const lines = Buffer.from(encodeProfile(profile)).toString().trimEnd().split('\n');
      await output.writeLines(lines.map(escapeJson));
    }
    return EXIT.SUCCESS;
  },
});
