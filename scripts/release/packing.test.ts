import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { publishedManifest, type RootManifest, repositoryAddress, unsetFields } from './manifest.ts';
import { quickCreateLink, releaseNotes } from './notes.ts';
import { absoluteLinks, type LinkTargets } from './readme-links.ts';
import { readTarball, writeTarball } from './tarball.ts';

const ROOT: RootManifest = {
  author: 'Authors',
  license: 'Apache-2.0',
  keywords: ['soci'],
  release: { npmScopeOwner: null },
};
const SET: RootManifest = {
  ...ROOT,
  repository: 'https://example.com/owner/name',
  release: { npmScopeOwner: 'owner' },
};

describe('the published manifest', () => {
  const packed = { name: '@soci/x', version: '1.0.0', keywords: ['x', 'soci'], scripts: {}, exports: {} };

  it('has the shared fields, and no fields for development', () => {
    expect(publishedManifest(packed, 'packages/x', SET)).toEqual({
      name: '@soci/x',
      version: '1.0.0',
      keywords: ['soci', 'x'],
      homepage: 'https://example.com/owner/name/tree/HEAD/packages/x#readme',
      bugs: 'https://example.com/owner/name/issues',
      repository: { type: 'git', url: 'git+https://example.com/owner/name.git', directory: 'packages/x' },
      author: 'Authors',
      license: 'Apache-2.0',
      exports: {},
    });
  });

  it('has no addresses while the repository is not set', () => {
    const manifest = publishedManifest(packed, 'packages/x', ROOT);
    expect(Object.keys(manifest)).not.toContain('repository');
    expect(Object.keys(manifest)).not.toContain('homepage');
  });

  it('needs two fields of the root manifest', () => {
    expect(unsetFields(ROOT).map(({ field }) => field)).toEqual(['repository', 'release.npmScopeOwner']);
    expect(unsetFields(SET)).toEqual([]);
  });

  it.each([
    ['https://example.com/owner/name'],
    ['https://example.com/owner/name/'],
    ['git+https://example.com/owner/name.git'],
  ])('accepts the repository %s', (url) => {
    expect(repositoryAddress({ ...ROOT, repository: { url } })).toBe('https://example.com/owner/name');
  });

  it('rejects a repository that is not an https address', () => {
    expect(() => repositoryAddress({ ...ROOT, repository: 'owner/name' })).toThrow('npm pkg set repository=https');
  });
});

describe('the notes of a release', () => {
  const packages = [{ name: '@soci/construct', version: '1.2.0', tarball: 'soci-construct-1.2.0.tgz' }];
  const withBucket = (templateBucket: string): RootManifest => ({
    ...SET,
    release: { ...SET.release, templateBucket },
  });

  it('list the packages, and say how to deploy the template', () => {
    const notes = releaseNotes(packages, SET);
    expect(notes).toContain('- `@soci/construct@1.2.0`\n');
    expect(notes).toContain('sh cloudformation/deploy.sh');
    expect(notes).not.toContain('quickcreate');
  });

  it('have a quick-create link if the bucket of the templates is set', () => {
    const root = withBucket('https://soci-releases.s3.eu-west-1.amazonaws.com');
    const link = quickCreateLink('1.2.0', root) ?? '';
    expect(releaseNotes(packages, root)).toContain(`](${link})`);
    const url = new URL(link);
    expect(`${url.host}${url.pathname}${url.search}`).toBe(
      'eu-west-1.console.aws.amazon.com/cloudformation/home?region=eu-west-1',
    );
    const [path, query] = url.hash.split('?');
    expect(path).toBe('#/stacks/quickcreate');
    const prefix = '1.2.0/cfn-ecr-aws-soci-index-builder/';
    expect(Object.fromEntries(new URLSearchParams(query))).toEqual({
      templateURL: `https://soci-releases.s3.eu-west-1.amazonaws.com/${prefix}templates/SociIndexBuilder.json`,
      stackName: 'soci',
      param_QSS3BucketName: 'soci-releases',
      param_QSS3KeyPrefix: prefix,
    });
  });

  it('need the address of a bucket', () => {
    expect(() => quickCreateLink('1.2.0', withBucket('soci-releases'))).toThrow(
      'Run "npm pkg set release.templateBucket=https://BUCKET.s3.REGION.amazonaws.com".',
    );
  });
});

describe('links of a packed README', () => {
  const files = new Map([
    ['packages/oci', 'folder'],
    ['docs/cli.md', 'file'],
    ['docs/a.svg', 'file'],
  ] as const);
  const targets: LinkTargets = {
    folder: 'packages/x',
    address: 'https://example.com/o/n',
    kindOf: (path) => files.get(path as 'docs/cli.md'),
  };

  it.each([
    ['[`@soci/oci`](../oci)', '[`@soci/oci`](https://example.com/o/n/tree/HEAD/packages/oci)', '`@soci/oci`'],
    ['[cli](../../docs/cli.md#exit)', '[cli](https://example.com/o/n/blob/HEAD/docs/cli.md#exit)', 'cli'],
    ['![a](../../docs/a.svg)', '![a](https://example.com/o/n/raw/HEAD/docs/a.svg)', 'a'],
  ])('%s is absolute, or text if the address is not known', (link, absolute, text) => {
    expect(absoluteLinks(`See ${link}.\n`, targets)).toBe(`See ${absolute}.\n`);
    expect(absoluteLinks(`See ${link}.\n`, { ...targets, address: undefined })).toBe(`See ${text}.\n`);
  });

  it.each([['[a](https://a.example/b)'], ['[a](#limits)'], ['```ts\nlist[0](x);\n```'], ['a [b] (c)']])(
    'keeps %j',
    (text) => {
      expect(absoluteLinks(`${text}\n`, targets)).toBe(`${text}\n`);
    },
  );

  it('rejects a link to nothing', () => {
    expect(() => absoluteLinks('[a](../missing)', targets)).toThrow('links to ../missing, which does not exist');
  });
});

describe('a tarball', () => {
  const long = `dist/${'folder/'.repeat(15)}file.js`;
  const files = ['bin/a.js', long, 'package.json'].map((name) => ({
    name,
    content: Buffer.from(`content of ${name}`),
    isExecutable: name.startsWith('bin/'),
  }));

  it('has the files that were written, package.json first', () => {
    const [first, ...others] = readTarball(writeTarball(files));
    expect(first).toEqual(files[2]);
    expect(others).toEqual(expect.arrayContaining(files.slice(0, 2)));
  });

  it('depends on its files only, not on their order or the time', () => {
    const tarball = writeTarball(files);
    expect(writeTarball(files.toReversed())).toEqual(tarball);
    expect(gunzipSync(tarball).length % 512).toBe(0);
  });
});
