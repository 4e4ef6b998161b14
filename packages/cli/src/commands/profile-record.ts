import { encodeProfile } from '@soci/index';
import { escapeJson, type Platform, parsePlatform } from '@soci/oci';
import { defineCommand, EXIT } from '../command/command.ts';
import { listOption, parseText, valueOption } from '../command/option.ts';
import { parseCount } from '../command/size.ts';
import { checkFileWritable, writeFile } from '../files/write-file.ts';
import { isLoopback, LOOPBACK, parseListenAddress } from '../record/listen-address.ts';
import { recordStart } from '../record/record-start.ts';
import { describeEmptyRecording, listRecordingNotes, startInstructions } from '../record/recording-report.ts';
import { formatBytes, pluralize } from '../terminal/quantity.ts';
import { withImageStores } from '../transports/image-stores.ts';
import { IMAGE_FORMS, parseLocation } from '../transports/location.ts';
import { REGISTRY_OPTIONS, toRegistryAccess } from '../transports/registry-options.ts';

/** One day, in seconds. */
const MAX_IDLE_TIME = 86_400;

const parseOnePlatform = (text: string): readonly Platform[] => [parsePlatform(text)];

export const command = defineCommand({
  details: [
    'Serves the image on this machine until Ctrl-C. Start a container from it with containerd and soci-snapshotter, in ' +
      'another terminal: the command prints the command lines. The profile lists the files, and the parts of them, that the container reads. Use it ' +
      'with "convert --profile FILE".',
    'The served image has the same files, but uncompressed layers with spans of 4 KiB, so that requests show which files are ' +
      'read. It needs temporary disk space for the uncompressed layers, in the directory that TMPDIR names.',
    'Only this machine can connect, unless you set --listen.',
  ],
  operands: [{ name: 'SRC', help: IMAGE_FORMS }],
  options: {
    output: valueOption('FILE', parseText, 'write to FILE instead of standard output', 'o'),
    'until-idle': valueOption('SECONDS', parseCount(MAX_IDLE_TIME), 'stop when nothing is read for SECONDS'),
    listen: valueOption('ADDRESS', parseListenAddress, 'serve at IP:PORT (default 127.0.0.1, free port)'),
    platform: listOption('PLATFORM', parseOnePlatform, 'serve only this platform; repeatable', 'p'),
    ...REGISTRY_OPTIONS,
  },
  examples: [
    { purpose: 'record a start', line: 'profile record oci:app:v1 -o profile.json' },
    {
      purpose: 'stop by itself when the container has started',
      line: 'profile record --until-idle 10 oci:app:v1 -o app.json',
    },
  ],
  async run({ operands: [from = ''], options }, context) {
    const { output } = context;
    if (options.output !== undefined) await checkFileWritable(options.output);
    const location = parseLocation(from);
    const address = options.listen ?? LOOPBACK;
    if (!isLoopback(address)) output.warn('other machines can pull the image, without TLS and without a password');
    const idleSeconds = options['until-idle'];
    const ended = await withImageStores(await toRegistryAccess(options, [location], context), context, async (stores) =>
      recordStart(
        await stores.openImage(location),
        {
          platforms: options.platform,
          address,
          idleTime: idleSeconds === undefined ? undefined : idleSeconds * 1000,
          signal: context.signal,
          onServed: async (name, image) => {
            if (output.json) await output.writeJson({ outcome: 'serving', image: name });
            else if (output.quiet && options.output !== undefined) await output.writeLine(name);
            for (const line of startInstructions(name, image, idleSeconds)) await output.note(line);
          },
        },
        output,
      ),
    );
    const { profile, recording } = ended;
    if (profile.files.length === 0) {
      const problem = describeEmptyRecording(ended);
      await output.reportProblem(problem);
      await output.note(`  ${problem.remedy}`);
      if (output.json) await output.writeJson({ error: problem });
      return EXIT.FAILED;
    }
    const content = encodeProfile(profile);
    if (options.output !== undefined) await writeFile(options.output, () => [content]);
    for (const line of listRecordingNotes(ended)) output.warn(line);
    if (output.json) {
      const { spans, bytes, repeated, background } = recording.totals;
      await output.writeJson({
        outcome: 'recorded',
        files: profile.files.length,
        bytes: ended.bytes,
        reads: { spans, bytes, repeated, background },
        ...(options.output === undefined
          ? { profile: JSON.parse(Buffer.from(content).toString()) as unknown }
          : { output: options.output }),
      });
      return EXIT.SUCCESS;
    }
    if (options.output === undefined) {
      await output.writeLines(Buffer.from(content).toString().trimEnd().split('\n').map(escapeJson));
    }
    const summary = `${pluralize(profile.files.length, 'file')}, ${formatBytes(ended.bytes)}`;
    await output.note(options.output === undefined ? `recorded ${summary}` : `wrote ${options.output}: ${summary}`);
    return EXIT.SUCCESS;
  },
});
