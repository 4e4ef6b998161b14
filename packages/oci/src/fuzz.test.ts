import { collect, drain, seededRandom } from '@soci/test-content';
import { expect, test } from 'vitest';
import { readArchive } from './archive/archive-store.ts';
import { archiveChunks } from './archive/archive-writer.ts';
import { OciError } from './errors.ts';
import { makeImage } from './fixtures/image.ts';
import type { PositionalReader } from './layout/file-span.ts';
import { parseImageIndex, parseManifest } from './manifest.ts';
import { parsePlatform } from './platform.ts';
import { formatReference, parseReference } from './reference.ts';

const SEED = 20_261_123;

/** Pieces that mean something to one of the readers: a change that hits nothing finds nothing. */
const WORDS = [
  '"size":-1',
  '"size":1e400',
  '"digest":"sha256:../"',
  '"manifests":[]',
  '"layers":null',
  '"__proto__":{}',
  '{"a":{',
  '[[[[[[[[',
  '\\ud800',
  '\u0000',
  '@sha256:',
  ':5000/',
  '[::1]',
  '__',
  '9999999999 path=',
  '0 size=1\n',
  'ustar  \u0000',
  '77777777777',
];

/** Cuts, flips, repeats and inserts, one to four times. */
function spoil(seed: Uint8Array, random: (below: number) => number): Buffer {
  let bytes = Buffer.from(seed);
  for (let change = random(4); change >= 0; change -= 1) {
    const place = random(bytes.length + 1);
    const kind = random(5);
    if (kind === 0) bytes = bytes.subarray(0, place);
    else if (kind === 1 && place < bytes.length) bytes[place] = random(256);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, place), bytes.subarray(random(bytes.length + 1))]);
    else {
      const word = Buffer.from(WORDS[random(WORDS.length)] as string);
      const rest = bytes.subarray(Math.min(bytes.length, place + (kind === 3 ? word.length : 0)));
      bytes = Buffer.concat([bytes.subarray(0, place), word, rest]);
    }
  }
  return bytes;
}

/** What became of the input: taken, or refused by an error of ours. Any other error fails the test. */
async function outcomeOf(read: () => unknown): Promise<'taken' | 'refused'> {
  try {
    await read();
    return 'taken';
  } catch (error) {
    if (error instanceof OciError) return 'refused';
    throw error;
  }
}

async function fuzz(rounds: number, seeds: readonly Uint8Array[], read: (bytes: Buffer) => unknown): Promise<void> {
  const random = seededRandom(SEED);
  const outcomes = { taken: 0, refused: 0 };
  for (let round = 0; round < rounds; round += 1) {
    const bytes = spoil(seeds[round % seeds.length] as Uint8Array, random);
    outcomes[await outcomeOf(() => read(bytes))] += 1;
  }
  // Both must happen often, or the changes are too tame or too wild to try anything.
  expect(Math.min(outcomes.taken, outcomes.refused)).toBeGreaterThan(rounds / 100);
}

/** An archive in memory, read as a file is. */
function spanOf(bytes: Buffer) {
  const file: PositionalReader = {
    async read(buffer, offset, length, position) {
      return { bytesRead: bytes.copy(buffer, offset, position, position + length) };
    },
  };
  return { file, start: 0, size: bytes.length, close: async () => {} };
}

const { store, root, manifests } = await makeImage();
const documents = await Promise.all([root, ...manifests].map((manifest) => drain(store.fetch(manifest))));
const full = JSON.stringify({
  ...JSON.parse((documents[1] as Buffer).toString()),
  subject: { ...root, urls: ['u'], data: 'e30=', artifactType: 'a/b' },
  annotations: { a: '1' },
});
const archive = await drain(archiveChunks(store, [{ target: root, reference: 'v1' }]));
const digest = `sha256:${'0'.repeat(64)}`;
const text = (...lines: readonly string[]) => lines.map((line) => Buffer.from(line));

test('50,000 spoilt manifests: taken or refused', () =>
  fuzz(50_000, [...documents.slice(1), Buffer.from(full)], (bytes) => parseManifest(bytes)));

test('50,000 spoilt image indexes: taken or refused', () =>
  fuzz(50_000, documents.slice(0, 1), (bytes) => parseImageIndex(bytes)));

test('40,000 spoilt references: refused, or written as they were', () =>
  fuzz(40_000, text(`localhost:5000/a/b-c__d:v1@${digest}`, '[::1]:80/x', 'ubuntu:22.04'), (bytes) => {
    const input = bytes.toString();
    expect(formatReference(parseReference(input))).toBe(input);
  }));

test('20,000 spoilt platforms: taken or refused', () =>
  fuzz(20_000, text('linux/arm64/v8', 'windows(10.0.20348+win32k)/amd64'), (bytes) => parsePlatform(bytes.toString())));

test('20,000 spoilt archives: read through, or refused', () =>
  fuzz(20_000, [archive], async (bytes) => {
    const spoilt = await readArchive(spanOf(bytes), 'spoilt.tar');
    for (const listed of await spoilt.roots()) await collect(spoilt.fetch(listed));
    await spoilt.resolve('v1');
  }));
