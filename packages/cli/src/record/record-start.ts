import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ImageFilesystem, type IndexProgress, openImageFilesystem } from '@soci/index';
import type { Platform } from '@soci/oci';
import { createLayout, type LayoutDraft } from '@soci/oci/layout';
import { CliError } from '../errors.ts';
import { describeError } from '../terminal/describe-error.ts';
import type { Output } from '../terminal/output.ts';
import type { Progress } from '../terminal/progress.ts';
import { formatBytes, pluralize } from '../terminal/quantity.ts';
import type { OpenImage } from '../transports/image-stores.ts';
import { type ContentRequest, checkAddress, serveImage } from './image-server.ts';
import type { ListenAddress } from './listen-address.ts';
import { countReadFiles, type RecordedProfile, toStartProfile } from './recorded-profile.ts';
import { Recording } from './recording.ts';
import { buildRecordingImage, MAX_SPANS, type RecordingImage, type RecordingPlatform } from './recording-image.ts';

/** How often the progress is updated and the time without reads is checked, in milliseconds. */
const TICK = 500;

/**
 * Time without a request, in milliseconds, after which a recording that ends by itself stops waiting for the first read: 10
 * minutes. A person needs some time to start the container, but a script must not wait forever.
 */
const MAX_WAIT = 600_000;

const DISK_FULL_REMEDY =
  'The unpacked layers and their indexes need about three times the size of the image. Set TMPDIR to a directory with more space.';

/** Repository of the served image. */
const REPOSITORY = 'recording';

/** Options of {@link recordStart}. */
export interface RecordOptions {
  readonly platforms: readonly Platform[];
  readonly address: ListenAddress;
  /**
   * Ends the recording after this time without reads, in milliseconds. If nothing was read at all, it ends 10 minutes after the
   * last request.
   *
   * @default only the signal ends it
   */
  readonly idleTime: number | undefined;
  /** Ends the recording. Before the image is served, it stops the command. */
  readonly signal: AbortSignal;
  /** Called when the image can be pulled. @param name - Name of the image, with tag. */
  readonly onServed: (name: string, image: RecordingImage) => Promise<void>;
}

/** A recording that has ended. */
export interface EndedRecording extends RecordedProfile {
  readonly image: RecordingImage;
  readonly recording: Recording;
}

/**
 * Serves an image on a local address until the recording ends, and returns what was read. The unpacked layers are in a
 * temporary folder meanwhile.
 */
export async function recordStart(source: OpenImage, options: RecordOptions, output: Output): Promise<EndedRecording> {
  await checkAddress(options.address);
  const folder = await mkdtemp(join(tmpdir(), 'soci-index-record-'));
  try {
    const draft = await createLayout(join(folder, 'image'));
    return await recordFrom(draft, source, options, output);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    const { code, message } = describeError(error);
    throw new CliError(code, message, { cause: error, remedy: DISK_FULL_REMEDY });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && ((error as NodeJS.ErrnoException).code === 'ENOSPC' || isDiskFull(error.cause));
}

async function recordFrom(
  draft: LayoutDraft,
  source: OpenImage,
  options: RecordOptions,
  output: Output,
): Promise<EndedRecording> {
  const { signal, address, platforms } = options;
  const nonce = randomBytes(4).toString('hex');
  const image = await showingProgress(output, (progress) =>
    buildRecordingImage(source, draft, {
      platforms,
      nonce,
      signal,
      onUnpack: ({ bytes, total }) =>
        progress.update({
          done: bytes,
          total,
          detail: `unpacking, ${formatBytes(bytes)} of ${formatBytes(total)}`,
        }),
      onIndex: showIndexing(progress),
    }),
  );
  const filesystems = new Map<RecordingPlatform, Promise<ImageFilesystem>>();
  const openFiles = (platform: RecordingPlatform) => {
    const opened =
      filesystems.get(platform) ??
      openImageFilesystem(draft, image.root, { platform: platform.platform, maxSpans: MAX_SPANS + 1 });
    filesystems.set(platform, opened);
    return opened;
  };
  const recording = new Recording(image);
  const content = { store: draft, root: image.root, repository: REPOSITORY, tag: nonce };
  const server = await serveImage(content, address, (request) => {
    output.trace(describeRequest(request));
    recording.add(request);
  });
  try {
    await options.onServed(`${server.host}/${REPOSITORY}:${nonce}`, image);
    await showingProgress(output, async (progress) => {
      let hasReported = false;
      await untilEnd(recording, options, async () => {
        const { spans, bytes } = recording.totals;
        if (spans === 0) return;
        if (!hasReported) progress.milestone('The container reads files.');
        hasReported = true;
        const files = await countFiles(image, recording, openFiles);
        const detail = `${pluralize(spans, 'read')}, ${formatBytes(bytes)}, ${pluralize(files, 'file')}`;
        progress.update({ done: 0, total: 0, detail });
      });
    });
  } finally {
    await server.close();
  }
  return { image, recording, ...(await toStartProfile(image, recording, openFiles)) };
}

/** Describes a request for `--debug`. */
function describeRequest({ content, range, client = 'unknown client' }: ContentRequest): string {
  const part = range === undefined ? 'whole' : `bytes ${range.offset}-${range.offset + range.length - 1}`;
  return `${client}: ${content.mediaType} ${content.digest} ${part}`;
}

/** Returns a handler that shows how many layers are indexed. */
function showIndexing(progress: Progress): (event: IndexProgress) => void {
  let total = 0;
  let done = 0;
  return (event) => {
    if (event.type === 'planned') total = event.layers;
    if (event.type === 'layer-done') done++;
    progress.update({ done, total, detail: `indexing, ${done} of ${pluralize(total, 'layer')}` });
  };
}

/** Waits until the signal is aborted, or nothing was read for the idle time. Calls `onTick` at intervals. */
async function untilEnd(
  recording: Recording,
  { signal, idleTime }: RecordOptions,
  onTick: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    const { lastRead, lastRequest } = recording;
    if (idleTime !== undefined) {
      const end = lastRead === undefined ? lastRequest + Math.max(MAX_WAIT, idleTime) : lastRead + idleTime;
      if (performance.now() >= end) return;
    }
    await onTick();
    await sleep(TICK, signal);
  }
}

/** Waits for a time, or until the signal is aborted. */
function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}

async function countFiles(
  image: RecordingImage,
  recording: Recording,
  openFiles: (platform: RecordingPlatform) => Promise<ImageFilesystem>,
): Promise<number> {
  let count = 0;
  for (const platform of image.platforms.filter(({ config }) => recording.wasRequested(config))) {
    for (const { layer, reader } of await (await openFiles(platform)).indexedLayers()) {
      const recorded = recording.layers.get(layer.digest);
      if (recorded?.hasReads) count += countReadFiles(reader, recorded, image.spanSize);
    }
  }
  return count;
}

async function showingProgress<T>(output: Output, run: (progress: Progress) => Promise<T>): Promise<T> {
  const progress = output.openProgress();
  try {
    return await run(progress);
  } finally {
    progress.close();
  }
}
