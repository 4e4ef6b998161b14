import { createHash } from 'node:crypto';
import { readGoldenLayer } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { goldenLayers } from './golden.ts';
import { buildOurs } from './ours.ts';

const TOOL = 'AWS SOCI CLI v0.2';
const layers = goldenLayers();
const accepted = layers.flatMap((layer) =>
  [...layer.ztocs].map(([spanSize, summary]) => ({ ...layer, spanSize, summary })),
);
const refused = layers.filter((layer) => layer.refused !== undefined);

function inPieces(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

describe('golden layers', () => {
  it('have the recorded digests', () => {
    expect(layers.length).toBeGreaterThan(60);
    for (const { name, sha256 } of layers) {
      expect(createHash('sha256').update(readGoldenLayer(name)).digest('hex'), name).toBe(sha256);
    }
  });

  it('are either accepted or rejected', () => {
    for (const { name, ztocs, refused } of layers) expect(ztocs.size > 0, name).toBe(refused === undefined);
  });
});

describe('a zTOC is equal to that of the reference, byte for byte', () => {
  it.each(accepted)('$name in spans of $spanSize', async ({ name, algorithm, spanSize, summary }) => {
    const outcome = await buildOurs(() => [readGoldenLayer(name)], { spanSize, algorithm, tool: TOOL });
    expect(outcome).toMatchObject({ kind: 'built', summary });
  });

  it.each(accepted.filter(({ spanSize }) => spanSize === 4096))(
    '$name in small chunks',
    async ({ name, algorithm, spanSize, summary }) => {
      const outcome = await buildOurs(() => inPieces(readGoldenLayer(name), 97), { spanSize, algorithm, tool: TOOL });
      expect(outcome).toMatchObject({ kind: 'built', summary });
    },
  );
});

describe('a layer that the reference rejects is rejected with a code', () => {
  it.each(refused)('$name ($refused)', async ({ name, algorithm }) => {
    const outcome = await buildOurs(() => [readGoldenLayer(name)], { spanSize: 65_536, algorithm, tool: TOOL });
    expect(outcome).toMatchObject({ kind: 'refused', code: expect.stringMatching(/^(GZIP|TAR|COMPRESSION)_/) });
  });
});
