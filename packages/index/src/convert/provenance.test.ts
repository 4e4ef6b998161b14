import { readFileSync } from 'node:fs';
import { type Descriptor, digestOf } from '@soci/oci';
import { describe, expect, it } from 'vitest';
import { openGolden } from '../fixtures/golden.ts';
import type { SociIndexOptions } from '../options.ts';
import { TOOL_VERSION } from '../version.ts';
import { ANNOTATION_PREFIX, ANNOTATION_SETTINGS_DIGEST } from '../vocabulary.ts';
import { buildSociIndex } from './build-index.ts';
import { convertImage } from './convert-image.ts';
import { settingsDigest } from './provenance.ts';

type Annotations = Readonly<Record<string, string>>;

const SMALL: SociIndexOptions = { minLayerSize: 0, jobs: 1 };

/** Returns the provenance annotations of the root or v1 index, by the end of their names. */
async function annotationsOf(version: 1 | 2, options: SociIndexOptions, name = 'multi') {
  const { store, image } = await openGolden(name);
  const made = await (version === 1 ? buildSociIndex : convertImage)(store, image, { ...SMALL, ...options });
  if (made.outcome !== 'indexed') throw new Error(made.reason);
  const annotated = ('root' in made ? made.root : made.indexes[0]) as Descriptor;
  const content = made.artifacts.find(({ descriptor }) => descriptor.digest === annotated.digest)?.content;
  const { annotations = {}, subject }: { annotations?: Annotations; subject?: Descriptor } = JSON.parse(
    Buffer.from(content ?? []).toString(),
  );
  const own = Object.entries(annotations).filter(([key]) => key.startsWith(ANNOTATION_PREFIX));
  const provenance = Object.fromEntries(own.map(([key, value]) => [key.slice(ANNOTATION_PREFIX.length), value]));
  return { provenance, source: subject ?? image, annotated };
}

describe.each([1, 2] as const)('provenance of version %s', (version) => {
  it('contains the source, the settings and the tool version', async () => {
    const { provenance, source } = await annotationsOf(version, {});
    const settings =
      `{"schemaVersion":"1","indexVersion":${version},"spanSize":4194304,"minLayerSize":0,"optimizations":[],` +
      `"prefetchFiles":[],"buildToolIdentifier":"AWS SOCI CLI v0.2","platforms":null,"profile":null}`;
    expect(provenance).toEqual({
      'schema-version': '1',
      'source-digest': source.digest,
      'settings-digest': digestOf(Buffer.from(settings)),
      'tool-version': TOOL_VERSION,
    });
  });

  it('is deterministic, and absent with compat', async () => {
    const [first, second] = [await annotationsOf(version, {}), await annotationsOf(version, { jobs: 2 })];
    expect(second.annotated).toEqual(first.annotated);
    expect((await annotationsOf(version, { compat: 'soci-cli' })).provenance).toEqual({});
  });

  it('has a different settings digest for each setting that affects the output', async () => {
    const platforms = [{ architecture: 'amd64', os: 'linux' }];
    const others: SociIndexOptions[] = [
      {},
      { spanSize: 65_536 },
      { minLayerSize: 1 },
      { optimizations: ['xattr'] },
      { prefetchFiles: ['/usr/bin/l0'], allowMissingPrefetch: true },
      { buildToolIdentifier: 'another' },
      ...(version === 2 ? [{ platforms }] : []),
    ];
    const digests = await Promise.all(others.map(async (each) => settingsOf(await annotationsOf(version, each))));
    expect(new Set(digests).size).toBe(others.length);
    // Known without building an index.
    expect(others.map((each) => settingsDigest(version, { ...SMALL, ...each }))).toEqual(digests);
    if (version === 1) expect(settingsOf(await annotationsOf(1, { platforms }))).toBe(digests[0]);
  });
});

const settingsOf = ({ provenance }: { readonly provenance: Annotations }) =>
  provenance[ANNOTATION_SETTINGS_DIGEST.slice(ANNOTATION_PREFIX.length)];

it('docs/formats.md describes the provenance annotations', async () => {
  const text = readFileSync(new URL('../../../../docs/formats.md', import.meta.url), 'utf8');
  const { provenance } = await annotationsOf(2, {});
  expect(text).toContain(`\`${ANNOTATION_PREFIX}\``);
  for (const name of Object.keys(provenance)) expect(text).toContain(`| \`${name}\` |`);
});
