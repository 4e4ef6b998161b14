import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { buildZtoc, encodeZtoc, type SecondThread, ZtocError } from '@soci/ztoc';
import { type ClosableSecondThread, startSecondThread } from '@soci/ztoc/node';
import type { Outcome } from './outcome.ts';
import type { ZtocRequest } from './reference.ts';

/** Threads that are not used by a build. Each build needs one for itself. */
const idleThreads: ClosableSecondThread[] = [];

/**
 * Builds a zTOC with `@soci/ztoc`, on one thread and on two. Any error other than a ZtocError is a fault, and so is a
 * difference between the two: the zTOC, the error, or the offset of the error.
 *
 * @param chunks Starts to read the layer. Called twice, because the chunks may use the same buffer.
 */
export async function buildOurs(chunks: () => Iterable<Uint8Array>, request: ZtocRequest): Promise<Outcome> {
  const alone = await buildOn(undefined, chunks(), request);
  const thread = idleThreads.pop() ?? (await startSecondThread());
  if (thread === undefined) return { kind: 'fault', reason: 'cannot start a second thread' };
  const together = await buildOn(thread, chunks(), request);
  idleThreads.push(thread);
  if (isDeepStrictEqual(together, alone)) return alone;
  const [first, second] = [alone, together].map((outcome) =>
    'reason' in outcome ? outcome.reason : outcome.summary.digest,
  );
  return { kind: 'fault', reason: `one thread: ${first}; two threads: ${second}` };
}

/** Ends the threads of {@link buildOurs}. */
export async function closeThreads(): Promise<void> {
  await Promise.all(idleThreads.splice(0).map((thread) => thread.close()));
}

async function buildOn(
  thread: SecondThread | undefined,
  chunks: Iterable<Uint8Array>,
  { spanSize, algorithm, tool }: ZtocRequest,
): Promise<Outcome> {
  try {
    const { ztoc, bytes } = await buildZtoc(chunks, {
      spanSize,
      compression: algorithm,
      buildToolIdentifier: tool,
      ...(thread && { thread }),
    });
    if (Buffer.compare(encodeZtoc(ztoc), bytes) !== 0) return { kind: 'fault', reason: 'encodeZtoc has other bytes' };
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    const { maxSpanId, files, compressedArchiveSize, uncompressedArchiveSize } = ztoc;
    const summary = {
      digest,
      size: bytes.length,
      maxSpanId,
      files: files.length,
      compressedArchiveSize,
      uncompressedArchiveSize,
    };
    return { kind: 'built', summary, ztoc: bytes };
  } catch (error) {
    if (error instanceof ZtocError)
      return { kind: 'refused', reason: `${error.code}: ${error.message}`, code: error.code, offset: error.offset };
    return { kind: 'fault', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
