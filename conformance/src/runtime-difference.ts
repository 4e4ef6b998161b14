import { decodeZtoc, findRuntimeProblems, type RuntimeProblem, ZtocError } from '@soci/ztoc';
import type { Difference } from './outcome.ts';
import type { Mounted, Reference, ZtocRequest } from './reference.ts';

/**
 * Number of mounts if a result is random: the probability that all have the same result is at most 2^-24, because the
 * runtime selects one of at least two extended attributes.
 */
const RANDOM_ROUNDS = 24;

/** Maximum size of a path in the list of a `RuntimeProblem`, in bytes. */
const MAX_LISTED_PATH = 4096;

/**
 * Error of a defect of the reference: `extract_data_from_buffer` (ztoc/compression/gzip_zinfo.c) reads one byte after a span
 * that does not start at a byte boundary. If the next block header is in that byte, the result depends on the memory there.
 */
const OVERREAD = 'error extracting data; return code: -3';

/** Mounts a layer with the reference and compares the result with `findRuntimeProblems`. */
export async function findRuntimeDifference(
  layer: Uint8Array,
  encoded: Uint8Array,
  algorithm: ZtocRequest['algorithm'],
  reference: Reference,
): Promise<Difference | undefined> {
  const problems = findProblems(encoded);
  if (problems === undefined) return undefined;
  const isRandom = problems.some(({ code }) => code.startsWith('xattr-'));
  const mounted = await reference.mount(encoded, layer, algorithm, isRandom ? RANDOM_ROUNDS : 1);
  // No reader can read a sparse file whose map does not match its data, and so the rest of the archive.
  if (typeof mounted === 'string' && mounted.startsWith('archive/tar: sparse file')) return undefined;
  const difference = typeof mounted === 'string' ? `cannot mount: ${mounted}` : compare(problems, mounted);
  if (difference === undefined) return undefined;
  const ours = problems.map(({ code, effect, message }) => `${code} (${effect}): ${message}`).join('\n');
  return {
    signature: `runtime: ${difference}`,
    details: `${difference}\nours: ${ours || 'no problem'}\nreference: ${JSON.stringify(mounted)}`,
  };
}

/** Returns undefined for a zTOC that `decodeZtoc` rejects, such as one with a negative file size. */
function findProblems(encoded: Uint8Array): readonly RuntimeProblem[] | undefined {
  try {
    return findRuntimeProblems(decodeZtoc(encoded));
  } catch (error) {
    if (error instanceof ZtocError) return undefined;
    throw error;
  }
}

function compare(
  problems: readonly RuntimeProblem[],
  { rejected, unreadable, directories }: Mounted,
): string | undefined {
  const pulled = problems.filter(({ effect }) => effect === 'pulled-whole');
  if (rejected !== undefined)
    return pulled.length > 0 ? undefined : `only the reference rejects: ${rejected.replace(/\d+/g, 'N')}`;
  if (pulled.length > 0) return `only ours rejects: ${pulled[0]?.code}`;
  const linked = problems.find(({ code }) => code === 'hard-link-to-directory');
  if ((linked?.count ?? 0) !== directories.length) return 'other entries are shown as directories';
  if (linked?.paths.some((path, i) => path !== decode(directories[i] ?? ''))) return 'other paths of directories';
  const ours = problems.filter(({ effect }) => effect === 'unreadable-files');
  const expected = new Map(ours.flatMap(({ paths, code }) => paths.map((path) => [path, code] as const)));
  const found = new Map(unreadable.map((file) => [decode(file.name), file]));
  for (const [path, code] of expected) {
    // The hole of a sparse file can be where the archive has zeros.
    if (!found.has(path) && code !== 'sparse-file') return `only ours cannot read: ${code}`;
  }
  // Problems list only the first paths.
  if (ours.some(({ count, paths }) => count > paths.length)) return undefined;
  for (const [path, { reason, hasWideOwner }] of found) {
    // A zTOC does not contain these numbers.
    if (!expected.has(path) && !hasWideOwner && !reason.includes(OVERREAD))
      return `only the reference cannot read: ${reason.replace(/\d+/g, 'N')}`;
  }
  return undefined;
}

/** Returns a path as a `RuntimeProblem` lists it. */
function decode(name: string): string {
  return new TextDecoder().decode(Buffer.from(name, 'base64').subarray(0, MAX_LISTED_PATH));
}
