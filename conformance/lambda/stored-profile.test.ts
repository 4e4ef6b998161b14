// A stored profile in the whole workflow: the library stores it, a later push goes through rule, filter and generator, and
// the spans of the index follow it. The reference reads the files through them.
import { gzipSync } from 'node:zlib';
import { eventPattern } from '@soci/filter';
import { findZtoc, inspectImage, pushProfile, verifySociIndex } from '@soci/index';
import { MEDIA_TYPE_OCI_LAYER_GZIP, readVerified } from '@soci/oci';
import { openRegistry, type Repository } from '@soci/registry';
import { matchesEventPattern } from '@soci/test-aws';
import { contentOf, makeImage, noise, pushImage, tarOf } from '@soci/test-content';
import type { TestRegistry } from '@soci/test-registry';
import { decodeZtoc, listSpans } from '@soci/ztoc';
import { describe, expect, test } from 'vitest';
import { hasTools } from '../tools/tools.ts';
import { pullByReference } from './oracles/reference.ts';
import { RUNTIMES } from './runtimes.ts';
import { Workflow } from './workflow.ts';

const MIB = 1 << 20;
const PATTERN = eventPattern();

/** An image of one layer of 60 MB: `bin/app` is in the middle of it. Each version has another `etc/version`. */
function makeVersion(version: string) {
  const filler = noise(30_000_000);
  const files = { 'etc/version': version, 'usr/share/a': filler, 'bin/app': noise(200_000, 2), 'usr/share/b': filler };
  return makeImage([contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, gzipSync(tarOf(files), { level: 1 }))]);
}

for (const runtime of RUNTIMES) {
  describe.skipIf(!runtime.isAvailable)(runtime.name, () => {
    test('a profile that is stored once applies to the next versions of the image', async () => {
      const environment = { soci_use_stored_profile: 'true' };
      const rule = (events: readonly object[]) => events.filter((event) => matchesEventPattern(PATTERN, event));
      const registry = { immutableTags: true };
      const workflow = await Workflow.start({ runtime, rule, registry, generator: { environment } });
      await withRepository(workflow.registry, async (repository) => {
        const { digest } = await pushProfile(repository, { files: [{ path: '/bin/app' }] });
        await workflow.settle();
        expect(workflow.filterAnswers).toEqual([]);
        for (const version of ['v1', 'v2']) {
          await pushImage(workflow.registry, 'app', version, makeVersion(version));
          await workflow.settle();
          expect(workflow.generatorAnswers.at(-1)).toMatchObject({
            outcome: 'indexed',
            outputTag: `${version}-soci`,
            profile: { origin: 'stored', digest, filesFound: 1 },
          });
          await expectGuidedSpans(repository, `${version}-soci`);
        }
        if (!hasTools('reference')) return;
        expect(await pullByReference(workflow.registry, 'app:v2-soci')).toMatchObject({ problems: [] });
      });
    });
  });
}

/** Expects small spans where the profile reads, large ones elsewhere, and files that are equal through them. */
async function expectGuidedSpans(repository: Repository, tag: string): Promise<void> {
  const root = await repository.resolve(tag);
  const { entries } = await inspectImage(repository, root);
  const image = entries.find((entry) => entry.kind === 'image');
  const reference = image && findZtoc(image.indexes, image.layers[0]?.digest ?? '');
  if (reference === undefined) throw new Error('no zTOC');
  const ztoc = decodeZtoc(await readVerified(repository, reference.descriptor, { maxSize: 64 * MIB }));
  const app = ztoc.files.find(({ name }) => Buffer.from(name).toString() === 'bin/app');
  const [start, end] = [app?.uncompressedOffset ?? 0, (app?.uncompressedOffset ?? 0) + (app?.uncompressedSize ?? 0)];
  const lengths = { read: [] as number[], other: [] as number[] };
  for (const { uncompressedStart, uncompressedEnd } of listSpans(ztoc)) {
    const isRead = uncompressedStart < end && uncompressedEnd > start;
    lengths[isRead ? 'read' : 'other'].push(uncompressedEnd - uncompressedStart);
  }
  expect(Math.max(...lengths.read)).toBeLessThanOrEqual(4 * MIB);
  expect(Math.max(...lengths.other)).toBeGreaterThan(8 * MIB);
  expect(await verifySociIndex(repository, root)).toMatchObject({ outcome: 'valid', problems: [] });
}

async function withRepository(
  { host, credentials }: TestRegistry,
  use: (repository: Repository) => Promise<void>,
): Promise<void> {
  const client = openRegistry(host, { credentials: async () => ({ kind: 'password', ...credentials }) });
  try {
    await use(client.repository('app'));
  } finally {
    client.close();
  }
}
