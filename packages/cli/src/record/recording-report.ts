import { formatPlatform } from '@soci/oci';
import type { CliErrorCode } from '../errors.ts';
import type { ErrorDescription } from '../terminal/describe-error.ts';
import { formatBytes, formatPercent, pluralize } from '../terminal/quantity.ts';
import type { EndedRecording } from './record-start.ts';
import type { RecordingImage } from './recording-image.ts';

/** Reads of more than half of an image are unusual, except for small images, in bytes. */
const MIN_UNUSUAL_SIZE = 16 << 20;

/** Returns the lines that tell users how to start the container. */
export function startInstructions(
  name: string,
  { platforms, size }: RecordingImage,
  idleSeconds: number | undefined,
): readonly string[] {
  const [first, ...others] = platforms.map(({ platform }) => formatPlatform(platform));
  const end =
    idleSeconds === undefined
      ? 'Press Ctrl-C when the container has started.'
      : `Recording ends ${pluralize(idleSeconds, 'second')} after the last read, or when you press Ctrl-C.`;
  return [
    `Serving ${name} (${[first, ...others].join(', ')}; ${formatBytes(size)} unpacked).`,
    'Start the container with soci-snapshotter, in another terminal on this machine:',
    '',
    `  sudo ctr images pull --plain-http --snapshotter soci ${name}`,
    `  sudo ctr run --rm --snapshotter soci ${name} recording [COMMAND...]`,
    '',
    'or with nerdctl:',
    '',
    `  sudo nerdctl --snapshotter soci --insecure-registry run --rm ${name} [COMMAND...]`,
    '',
    'The configuration of soci-snapshotter needs "enable = true" in [pull_modes.soci_v2] (the default), and should have ' +
      '"disable = true" in [background_fetch].',
    end,
  ];
}

/** Describes why no file was recorded, and what to do. */
export function describeEmptyRecording({ recording }: EndedRecording): ErrorDescription {
  const { totals, layers } = recording;
  const whole = [...layers.values()].filter(({ otherRequests }) => otherRequests > 0).length;
  const describe = (message: string, remedy: string): ErrorDescription => ({
    code: 'NOTHING_RECORDED' satisfies CliErrorCode,
    message: `no file was recorded: ${message}`,
    remedy,
  });
  if (totals.manifests === 0)
    return describe('no client pulled the image', 'Run the printed commands while it is served.');
  if (whole > 0 && totals.spans === 0) {
    const cause =
      totals.snapshotter === 0
        ? 'soci-snapshotter made no request: pull with --snapshotter soci, and do not copy the image elsewhere.'
        : 'Set "enable = true" in [pull_modes.soci_v2]. The log of soci-snapshotter says why it does not use the SOCI index.';
    return describe(`the runtime pulled ${pluralize(whole, 'layer')} whole`, cause);
  }
  if (totals.spans === 0 && totals.background === 0) {
    return describe(
      'the image was pulled, but no container read a file of it',
      'Start a container from the image with the snapshotter that pulled it.',
    );
  }
  if (totals.spans === 0) {
    return describe(
      'only the background fetch of soci-snapshotter read the layers',
      'Set "disable = true" in [background_fetch], and start a container.',
    );
  }
  return describe('what was read belongs to no file that the container sees', 'Record again with another container.');
}

/** Returns warnings about a recording that is not what a single start reads. */
export function listRecordingNotes({ recording, unnamed, image }: EndedRecording): readonly string[] {
  const { bytes, repeated, background } = recording.totals;
  const whole = [...recording.layers].filter(([, { otherRequests }]) => otherRequests > 0);
  const notes: string[] = [];
  if (bytes > MIN_UNUSUAL_SIZE && bytes > image.size / 2) {
    notes.push(
      `${formatPercent(bytes, image.size)} of the image was read; if that is more than the start needs, end the recording sooner, and set "disable = true" in [background_fetch]`,
    );
  }
  if (whole.length > 0) {
    notes.push(
      `${pluralize(whole.length, 'layer')} ${whole.length === 1 ? 'was' : 'were'} pulled whole, by a runtime or another client; the profile may lack what a container reads there`,
    );
  }
  if (repeated > 0) notes.push('more than one snapshotter read the image; the profile contains the reads of all');
  if (background > 0) {
    notes.push(
      `ignored ${pluralize(background, 'span')} of the background fetch of soci-snapshotter; to be sure, set "disable = true" in [background_fetch] and record again`,
    );
  }
  if (unnamed > 0) notes.push(`left out ${pluralize(unnamed, 'file')} whose names are not UTF-8 or too long`);
  if (image.formats.zstd > 0) {
    notes.push(
      `${pluralize(image.formats.zstd, 'layer')} of the image ${image.formats.zstd === 1 ? 'has' : 'have'} zstd, which runtimes cannot load lazily; use "convert --recompress" with the profile`,
    );
  }
  return notes;
}
