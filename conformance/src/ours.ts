import { createHash } from 'node:crypto';
import { buildZtoc, encodeZtoc, ZtocError } from '@soci/ztoc';
import type { Outcome } from './outcome.ts';
import type { ZtocRequest } from './reference.ts';

/** Builds a zTOC with `@soci/ztoc`. Any error other than a ZtocError is a fault. */
export async function buildOurs(
  chunks: Iterable<Uint8Array>,
  { spanSize, algorithm, tool }: ZtocRequest,
): Promise<Outcome> {
  try {
    const { ztoc } = await buildZtoc(chunks, { spanSize, compression: algorithm, buildToolIdentifier: tool });
    const encoded = encodeZtoc(ztoc);
    const digest = `sha256:${createHash('sha256').update(encoded).digest('hex')}`;
    const { maxSpanId, files, compressedArchiveSize, uncompressedArchiveSize } = ztoc;
    const summary = {
      digest,
      size: encoded.length,
      maxSpanId,
      files: files.length,
      compressedArchiveSize,
      uncompressedArchiveSize,
    };
    return { kind: 'built', summary, ztoc: encoded };
  } catch (error) {
    if (error instanceof ZtocError)
      return { kind: 'refused', reason: `${error.code}: ${error.message}`, code: error.code };
    return { kind: 'fault', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
