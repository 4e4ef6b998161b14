import { gzipSync } from 'node:zlib';
import { collect, dockerArchive, dockerLayoutArchive, drain, seededRandom } from '@soci/test-content';
import { expect, test } from 'vitest';
import { readArchive } from './archive/archive-store.ts';
import { archiveChunks } from './archive/archive-writer.ts';
import { readDockerArchive } from './archive/docker-archive.ts';
import { OciError } from './errors.ts';
import { makeImage } from './fixtures/image.ts';
import type { PositionalReader } from './layout/file-section.ts';
import { parseImageIndex, parseManifest } from './manifest.ts';
import { parsePlatform } from './platform.ts';
import { formatReference, parseReference } from './reference.ts';

const SEED = 20_261_123;

/** Tokens that are meaningful to the parsers, so that mutations reach more code. */
const TOKENS = [
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

/** Applies one to four mutations: truncate, change a byte, repeat a part, insert or overwrite with a token. */
function mutate(seed: Uint8Array, random: (below: number) => number): Buffer {
  let bytes = Buffer.from(seed);
  for (let change = random(4); change >= 0; change -= 1) {
    const position = random(bytes.length + 1);
    const kind = random(5);
    if (kind === 0) bytes = bytes.subarray(0, position);
    else if (kind === 1 && position < bytes.length) bytes[position] = random(256);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, position), bytes.subarray(random(bytes.length + 1))]);
    else {
      const token = Buffer.from(TOKENS[random(TOKENS.length)] as string);
      const rest = bytes.subarray(Math.min(bytes.length, position + (kind === 3 ? token.length : 0)));
      bytes = Buffer.concat([bytes.subarray(0, position), token, rest]);
    }
  }
  return bytes;
}

/** Reports whether the input is accepted, or rejected with an OciError. Any other error fails the test. */
async function outcomeOf(read: () => unknown): Promise<'accepted' | 'rejected'> {
  try {
    await read();
    return 'accepted';
  } catch (error) {
    if (error instanceof OciError) return 'rejected';
    throw error;
  }
}

async function fuzz(rounds: number, seeds: readonly Uint8Array[], read: (bytes: Buffer) => unknown): Promise<void> {
  const random = seededRandom(SEED);
  const outcomes = { accepted: 0, rejected: 0 };
  for (let round = 0; round < rounds; round += 1) {
    const bytes = mutate(seeds[round % seeds.length] as Uint8Array, random);
    outcomes[await outcomeOf(() => read(bytes))] += 1;
  }
  // Both outcomes must be frequent, otherwise the mutations are too weak or too strong.
  expect(Math.min(outcomes.accepted, outcomes.rejected)).toBeGreaterThan(rounds / 100);
}

/** Returns a section of an archive in memory. */
function sectionOf(bytes: Buffer) {
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
const saved = { names: ['app:v1'], layers: [Buffer.from('layer'), gzipSync('layer')] };
const digest = `sha256:${'0'.repeat(64)}`;
const text = (...lines: readonly string[]) => lines.map((line) => Buffer.from(line));

test('50,000 mutated manifests are accepted or rejected', () =>
  fuzz(50_000, [...documents.slice(1), Buffer.from(full)], (bytes) => parseManifest(bytes)));

test('50,000 mutated image indexes are accepted or rejected', () =>
  fuzz(50_000, documents.slice(0, 1), (bytes) => parseImageIndex(bytes)));

test('40,000 mutated references are rejected or formatted as they were', () =>
  fuzz(40_000, text(`localhost:5000/a/b-c__d:v1@${digest}`, '[::1]:80/x', 'ubuntu:22.04'), (bytes) => {
    const input = bytes.toString();
    expect(formatReference(parseReference(input))).toBe(input);
  }));

test('20,000 mutated platforms are accepted or rejected', () =>
  fuzz(20_000, text('linux/arm64/v8', 'windows(10.0.20348+win32k)/amd64'), (bytes) => parsePlatform(bytes.toString())));

test('20,000 mutated archives of docker save are read or rejected', () =>
  fuzz(20_000, [dockerArchive([saved]), dockerLayoutArchive([saved])].map(Buffer.from), async (bytes) => {
    const mutated = await readDockerArchive(sectionOf(bytes), 'mutated.tar');
    for (const image of await mutated.roots()) await collect(mutated.fetch(image));
    await mutated.resolve('app:v1');
  }));

test('20,000 mutated archives are read or rejected', () =>
  fuzz(20_000, [archive], async (bytes) => {
    const mutated = await readArchive(sectionOf(bytes), 'mutated.tar');
    for (const listed of await mutated.roots()) await collect(mutated.fetch(listed));
    await mutated.resolve('v1');
  }));
