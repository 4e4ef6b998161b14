import { type Descriptor, digestOf, OciError } from '@soci/oci';
import { MemoryStore } from '@soci/oci/memory';
import { putImage, putLayer } from '@soci/test-content';
import { ZtocError } from '@soci/ztoc';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { buildSociIndex } from '../convert/build-index.ts';
import { convertImage } from '../convert/convert-image.ts';
import type { Artifact } from '../convert/soci-manifest.ts';
import { SociIndexError } from '../errors.ts';
import { verifySociIndex } from './verify-index.ts';

const SEED = 20261123;
const AMD64 = { architecture: 'amd64', os: 'linux' };

/** Random changes: bytes removed and inserted. */
const edits = fc.array(fc.record({ at: fc.nat(1e6), remove: fc.nat(4), insert: fc.uint8Array({ maxLength: 4 }) }), {
  minLength: 1,
  maxLength: 3,
});

function edit(bytes: Uint8Array, changes: readonly { at: number; remove: number; insert: Uint8Array }[]): Uint8Array {
  return changes.reduce((result, { at, remove, insert }) => {
    const start = at % (result.length + 1);
    return Buffer.concat([result.subarray(0, start), insert, result.subarray(start + remove)]);
  }, bytes);
}

/** Accepts a result or a typed error. Any other error is a bug. */
async function expectTypedErrors(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    const isTyped = error instanceof SociIndexError || error instanceof OciError || error instanceof ZtocError;
    if (!isTyped) throw error;
  });
}

async function makeIndex(): Promise<{ store: MemoryStore; artifacts: readonly Artifact[]; index: Descriptor }> {
  const store = new MemoryStore();
  const image = await putImage(store, AMD64, [await putLayer(store, 'a', 20_000), await putLayer(store, 'b', 3000)]);
  const result = await buildSociIndex(store, image, { minLayerSize: 0, spanSize: 4096, jobs: 1 });
  if (result.outcome !== 'indexed') throw new Error(result.reason);
  for (const { descriptor, content } of result.artifacts) await store.push(descriptor, content);
  return { store, artifacts: result.artifacts, index: result.indexes[0] as Descriptor };
}

/** Replaces the first zTOC and adapts its descriptor, so that only the content of the zTOC is wrong. */
async function verifyWithZtoc(artifacts: readonly Artifact[], store: MemoryStore, ztoc: Uint8Array) {
  const [first] = artifacts;
  const manifest = artifacts.at(-1);
  if (first === undefined || manifest === undefined) throw new Error('expected artifacts');
  const content = Buffer.from(
    Buffer.from(manifest.content)
      .toString()
      .replace(first.descriptor.digest, digestOf(ztoc))
      .replace(`"size":${first.descriptor.size}`, `"size":${ztoc.length}`),
  );
  const index = { ...manifest.descriptor, digest: digestOf(content), size: content.length };
  const held = new Map([
    [index.digest, content],
    [digestOf(ztoc), ztoc],
  ]);
  return verifySociIndex(
    {
      async *fetch(target) {
        const own = held.get(target.digest);
        if (own === undefined) yield* store.fetch(target);
        else yield own;
      },
    },
    index,
  );
}

it('handles damaged zTOCs', async () => {
  const { store, artifacts } = await makeIndex();
  const original = artifacts[0]?.content ?? new Uint8Array();
  expect(await verifyWithZtoc(artifacts, store, original)).toMatchObject({ outcome: 'valid' });
  await fc.assert(
    fc.asyncProperty(edits, async (changes) => {
      await expectTypedErrors(verifyWithZtoc(artifacts, store, edit(original, changes)));
    }),
    { seed: SEED, numRuns: 1000 },
  );
});

it('handles damaged manifests', async () => {
  const { store, artifacts, index } = await makeIndex();
  const original = artifacts.at(-1)?.content ?? new Uint8Array();
  await fc.assert(
    fc.asyncProperty(edits, async (changes) => {
      const content = edit(original, changes);
      const target = { ...index, digest: digestOf(content), size: content.length };
      const held = {
        async *fetch(wanted: Descriptor) {
          if (wanted.digest === target.digest) yield content;
          else yield* store.fetch(wanted);
        },
      };
      await expectTypedErrors(verifySociIndex(held, target));
      await expectTypedErrors(convertImage(held, target, { minLayerSize: 0, jobs: 1 }));
    }),
    { seed: SEED, numRuns: 1000 },
  );
});
