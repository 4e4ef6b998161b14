import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildSociIndex, convertImage, SociIndexError, type SociIndexOptions } from '@soci/index';
import { type Descriptor, OciError, OverlayStore, parseDescriptor } from '@soci/oci';
import { openLayout } from '@soci/oci/layout';
import { MemoryStore } from '@soci/oci/memory';
import type { Difference } from '../outcome.ts';
import type { IndexRequest } from './image-case.ts';

/** The outcome for an image: the roots and all new blobs by digest, a rejection, or a fault. */
export type ImageOutcome =
  | { readonly kind: 'indexed'; readonly roots: readonly string[]; readonly added: readonly string[] }
  | { readonly kind: 'refused' | 'fault'; readonly reason: string };

const execute = promisify(execFile);

/**
 * With prefetching, the reference collects zTOCs from threads in no fixed order (soci/soci_index.go, `build`). If two
 * layers contain the file, it may name either one. A difference counts only if it occurs again.
 */
const ATTEMPTS = 4;

/** Compares both results for the image in a layout folder, with `compat: 'soci-cli'`. */
export async function compareImage(
  layout: string,
  request: IndexRequest,
  executable: string,
): Promise<{ ours: ImageOutcome; difference: Difference | undefined }> {
  const ours = await indexOurs(layout, request);
  let difference: Difference | undefined;
  for (let attempt = 0; attempt < (request.prefetch.length > 0 ? ATTEMPTS : 1); attempt++) {
    difference = findImageDifference(ours, await indexByReference(layout, request, executable));
    if (difference === undefined) break;
  }
  return { ours, difference };
}

function findImageDifference(ours: ImageOutcome, reference: ImageOutcome): Difference | undefined {
  if (ours.kind === 'fault') return { signature: 'image: ours: fault', details: ours.reason };
  if (ours.kind === 'indexed' && reference.kind === 'indexed') {
    const isSame = (a: readonly string[], b: readonly string[]) =>
      a.length === b.length && a.every((digest, i) => digest === b[i]);
    if (isSame(ours.roots, reference.roots) && isSame(ours.added, reference.added)) return undefined;
    const only = (a: readonly string[], b: readonly string[]) => a.filter((digest) => !b.includes(digest)).join(' ');
    return {
      signature: 'image: other blobs',
      details: `only ours: ${only(ours.added, reference.added)}\nonly the reference's: ${only(reference.added, ours.added)}`,
    };
  }
  if (ours.kind === reference.kind) return undefined;
  const say = (outcome: ImageOutcome) =>
    outcome.kind === 'indexed' ? `indexed as ${outcome.roots.join(' ')}` : `refused: ${outcome.reason}`;
  return {
    signature: `image: ${ours.kind} by ours, ${reference.kind} by the reference`,
    details: `ours: ${say(ours)}\nreference: ${say(reference)}`,
  };
}

async function indexOurs(
  layout: string,
  { version, spanSize, minLayerSize, xattr, prefetch }: IndexRequest,
): Promise<ImageOutcome> {
  const options: SociIndexOptions = {
    compat: 'soci-cli',
    spanSize,
    minLayerSize,
    optimizations: xattr ? ['xattr'] : [],
    prefetchFiles: prefetch,
    jobs: 1,
  };
  try {
    const store = new OverlayStore(new MemoryStore(), await openLayout(layout));
    const root = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as { manifests: unknown[] };
    const image = parseDescriptor(root.manifests[0], 'index.json');
    const result =
      version === 1 ? await buildSociIndex(store, image, options) : await convertImage(store, image, options);
    if (result.outcome === 'nothing-to-index') return { kind: 'refused', reason: result.outcome };
    const roots: readonly Descriptor[] = 'root' in result ? [result.root as Descriptor] : result.indexes;
    // A manifest that is written again may be unchanged. Then it is not new.
    const added = result.artifacts
      .map(({ descriptor }) => descriptor.digest)
      .filter((digest) => !blobsOf(layout).has(digest));
    return { kind: 'indexed', roots: roots.map(({ digest }) => digest), added: [...new Set(added)].sort() };
  } catch (error) {
    if (error instanceof SociIndexError || error instanceof OciError)
      return { kind: 'refused', reason: `${error.code}: ${error.message}` };
    return { kind: 'fault', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

async function indexByReference(
  layout: string,
  { version, spanSize, minLayerSize, xattr, prefetch }: IndexRequest,
  executable: string,
): Promise<ImageOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
  const out = join(folder, 'out');
  try {
    const { stdout } = await execute(executable, [
      'index',
      ...['-v', String(version), '-span', String(spanSize), '-min', String(minLayerSize)],
      ...(xattr ? ['-xattr'] : []),
      ...prefetch.flatMap((path) => ['-prefetch', path]),
      layout,
      out,
    ]);
    const roots = JSON.parse(stdout) as readonly { digest: string }[];
    const added = blobsOf(out).difference(blobsOf(layout));
    return { kind: 'indexed', roots: roots.map(({ digest }) => digest), added: [...added].sort() };
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (typeof code !== 'number') throw error;
    return { kind: 'refused', reason: stderr?.trim() ?? '' };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Returns the digests of all blobs in a layout. */
function blobsOf(layout: string): Set<string> {
  return new Set(readdirSync(join(layout, 'blobs/sha256')).map((name) => `sha256:${name}`));
}
