import { encodeProfile, type PredictedFile, type PredictedProfile, predictProfile, readStartConfig } from '@soci/index';
import { quoteText } from '@soci/oci';
import { defineCommand, EXIT } from '../command/command.ts';
import { parseText, valueOption } from '../command/option.ts';
import { CliError } from '../errors.ts';
import { checkFileWritable, writeFile } from '../files/write-file.ts';
import { FILESYSTEM_OPTIONS, warnAboutUnreadable, withImageFilesystem } from '../image/image-filesystem.ts';
import type { Output } from '../terminal/output.ts';
import { formatBytes, pluralize } from '../terminal/quantity.ts';
import { IMAGE_FORMS } from '../transports/location.ts';

/** Maximum number of files that are listed for people. */
const MAX_LISTED = 40;

export const command = defineCommand({
  details: [
    'Follows the start command of the image: the program through PATH, links and scripts, its libraries, and for Python, ' +
      'Node.js and Ruby the modules that it imports. Nothing is run. A recorded profile ("profile record") is more exact.',
    'With --json, prints the profile. "convert --profile FILE" accepts it. With -o FILE, writes the profile to FILE.',
  ],
  operands: [
    { name: 'SRC', help: IMAGE_FORMS },
    {
      name: 'WORD',
      help: 'another start command with its options (default: Cmd)',
      optional: true,
      repeated: true,
      endsOptions: true,
    },
  ],
  options: {
    output: valueOption('FILE', parseText, 'write the profile to FILE', 'o'),
    ...FILESYSTEM_OPTIONS,
  },
  examples: [
    { purpose: 'show what a start probably reads', line: 'profile predict oci:app:v1' },
    { purpose: 'predict for another command', line: 'profile predict -o job.json oci:app:v1 python3 job.py' },
  ],
  async run(args, context) {
    const { output, signal } = context;
    const { output: path } = args.options;
    const [from = '', ...words] = args.operands;
    if (path !== undefined) await checkFileWritable(path);
    await withImageFilesystem(args, context, async (files, store) => {
      const own = files.config === undefined ? {} : await readStartConfig(store, files.config, { signal });
      const config = words.length === 0 ? own : { ...own, Cmd: words };
      const profile = await predictProfile(files, config, { signal });
      if (profile.files.length === 0) {
        const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
        const problem =
          command[0] === undefined
            ? 'the image has no Entrypoint and no Cmd'
            : `the image has no program ${quoteText(command[0])}, or it is in a layer that cannot be read`;
        throw new CliError('NOTHING_PREDICTED', `cannot predict the start of ${from}: ${problem}`, {
          remedy: 'Add the start command after the image, or record a start with "soci-index profile record".',
        });
      }
      if (path !== undefined) await writeFile(path, () => [encodeProfile(profile)]);
      await printProfile(profile, path, output);
      if (profile.reachedLimits.length > 0) {
        output.warn(`the prediction stopped at its limits, files are missing: ${profile.reachedLimits.join(', ')}`);
      }
      warnAboutUnreadable(files.unreadableLayers, 'Its files are not predicted', output);
    });
    return EXIT.SUCCESS;
  },
});

async function printProfile(profile: PredictedProfile, path: string | undefined, output: Output): Promise<void> {
  const { files, origin, reachedLimits } = profile;
  const bytes = files.reduce((sum, file) => sum + bytesRead(file), 0);
  if (output.json) {
    const limits = reachedLimits.length > 0 ? { reachedLimits } : {};
    await output.writeJson(
      path === undefined
        ? { schemaVersion: 1, origin, bytes, ...limits, files }
        : { outcome: 'predicted', files: files.length, bytes, ...limits, output: path },
    );
    return;
  }
  if (output.quiet) {
    if (path === undefined) await output.writeLines(files.map((file) => file.path));
    return;
  }
  const listed = [...files].sort((a, b) => bytesRead(b) - bytesRead(a)).slice(0, MAX_LISTED);
  await output.writeTable(
    [
      { title: 'FILE', flexible: true },
      { title: 'READ', align: 'right' },
      { title: 'SIZE', align: 'right' },
      { title: 'WHY' },
    ],
    listed.map((file) => [file.path, formatBytes(bytesRead(file)), formatBytes(file.size), describeReason(file)]),
  );
  const others = files.length - listed.length;
  if (others > 0) await output.writeLine(`... and ${pluralize(others, 'smaller file')} (--json lists all)`);
  await output.writeLine();
  const summary = `${pluralize(files.length, 'file')}, ${formatBytes(bytes)}`;
  await output.writeLine(path === undefined ? `Predicted: ${summary}.` : `Wrote ${path}: ${summary}.`);
}

function bytesRead({ ranges, size }: PredictedFile): number {
  return ranges?.reduce((sum, { length }) => sum + length, 0) ?? size;
}

function describeReason({ reason, from }: PredictedFile): string {
  const name = from?.replace(/^.*\/(?=[^/]+(?:\/__init__\.py|\/index\.js)?$)/, '');
  if (reason === 'runtime') return 'users and groups';
  if (name === undefined) return reason;
  switch (reason) {
    case 'program':
      return `run by ${name}`;
    case 'import':
      return `imported by ${name}`;
    default:
      return `${reason} of ${name}`;
  }
}
