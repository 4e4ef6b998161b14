import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Descriptor } from '@soci/oci';
import { goldenLayoutPath } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { beforeEach, describe, expect, it } from 'vitest';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';
import { useTestRegistries } from '../fixtures/test-registries.ts';

const start = useTestRegistries();
const root = temporaryFolder();
let folder = '';
let testNumber = 0;
const FAST = ['--jobs', '1', '--min-layer-size', '0'];

/** Each test has a folder with a layout `app`, whose only image is `v1`. */
beforeEach(async () => {
  folder = join(root, String(testNumber++));
  mkdirSync(folder);
  cpSync(goldenLayoutPath('single-oci'), join(folder, 'plain'), { recursive: true });
  expect(await run('create', 'oci:plain', 'oci:app:v1')).toMatchObject({ code: 0 });
});

/** Runs a command. Paths of layouts and archives are relative to the folder of the test. */
function run(command: string, ...images: readonly string[]) {
  const [name = '', ...options] = command.split(' ');
  const paths = images.map((image) => image.replace(/^(oci|oci-archive):(?!-)/, `$1:${folder}/`));
  return runCli([name, ...(name.startsWith('c') ? FAST : []), ...options, ...paths]);
}

async function startWithImage() {
  const registry = await start();
  await registry.loadLayout('app', goldenLayoutPath('single-oci'), 'v1');
  return registry;
}

function tagsOf(layout: string): (string | undefined)[] {
  const { manifests } = JSON.parse(readFileSync(join(folder, layout, 'index.json'), 'utf8')) as {
    manifests: Descriptor[];
  };
  return manifests.map(({ annotations }) => annotations?.['org.opencontainers.image.ref.name']);
}

describe('several tags', () => {
  it('name the result in a registry, and each is printed', async () => {
    const registry = await startWithImage();
    const images = [`${registry.host}/app:v1`, `${registry.host}/app:v1-soci`];
    const argv = ['--tag', 'stable-soci', '-t', 'latest-soci', '--tag', 'v1-soci'];
    const { code, stdout } = await run(`convert ${argv.join(' ')}`, ...images);
    expect(code).toBe(0);
    const digest = registry.manifest('app', 'v1-soci')?.digest;
    for (const tag of ['v1-soci', 'stable-soci', 'latest-soci']) {
      expect(registry.manifest('app', tag)?.digest).toBe(digest);
      expect(stdout).toContain(`${registry.host}/app:${tag}  ${digest}\n`);
    }
    const [again] = jsonLines(await run(`convert --json ${argv.join(' ')}`, ...images));
    expect(again).toMatchObject({ outcome: 'current', tags: ['v1-soci', 'stable-soci', 'latest-soci'] });
  });

  it.each(['convert', 'create'])('name the image in a layout or archive: %s', async (command) => {
    await run(`${command} -t a -t repo/b:c`, 'oci:app', 'oci:out:v2');
    expect(tagsOf('out').filter((tag) => tag !== undefined)).toEqual(['v2', 'a', 'repo/b:c']);
    await run(`${command} -t a`, 'oci:app', 'oci-archive:out.tar');
    expect(await run('verify', 'oci-archive:out.tar:a')).toMatchObject({ code: 0 });
  });

  it('can be added to an image by create without DST', async () => {
    const registry = await startWithImage();
    expect(await run('create -t stable', `${registry.host}/app:v1`)).toMatchObject({ code: 0 });
    expect(registry.manifest('app', 'stable')?.digest).toBe(registry.manifest('app', 'v1')?.digest);
  });

  it('come from a variable, one on each line', async () => {
    const env = { SOCI_TAG: 'a\nb' };
    await runCli(['convert', ...FAST, `oci:${folder}/app`, `oci:${folder}/out`], { env });
    expect(tagsOf('out')).toEqual(['a', 'b']);
  });

  it.each([
    ['localhost/app', 'a/b', 'letters, digits'],
    ['localhost/app', 'x'.repeat(129), 'the limit is 128'],
    ['oci:out', 'a b', 'not a tag'],
    ['oci:out', '@1', 'not a tag'],
  ])('must be valid at their destination: %s, %s', async (destination, tag, message) => {
    const { code, stderr } = await runCli(['convert', '--tag', tag, `oci:${folder}/app`, destination]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe('a suffix that is added twice', () => {
  it.each([
    ['convert', 'localhost/app:v1-soci-soci'],
    ['create', 'localhost/app:v1-soci-soci'],
    ['convert', 'oci:app:v1.soci_soci-SOCI'],
    ['convert -t v1-soci-soci', 'oci:out'],
  ])('is rejected before anything is read: %s ... %s', async (command, destination) => {
    const { code, stderr } = await run(command, 'localhost/app:v1-soci', destination);
    expect(code).toBe(2);
    expect(stderr).toMatch(/suffix of an indexed image more than once \[USAGE_INVALID\]\n {2}Index the image v1, /);
  });
});

describe('a suffix after a name without a tag, as scripts add it', () => {
  const digest = `sha256:${'a'.repeat(64)}`;

  it.each([
    ['', 'SRC is empty [USAGE_INVALID]\n  Set the variable of your script'],
    ['localhost/app', 'localhost/app-soci is another repository, because localhost/app has no tag [USAGE_INVALID]'],
    ['docker://app', 'Write docker://app:latest docker://app:latest-soci.'],
    ['localhost:1/team/app', 'Write localhost:1/team/app:latest localhost:1/team/app:latest-soci.'],
    [
      `localhost/app@${digest}`,
      'a digest cannot have the suffix -soci [USAGE_INVALID]\n  Name the new image by a tag: ',
    ],
    [`localhost/app:v1@${digest}`, 'tag: localhost/app:TAG-soci'],
  ])('is rejected before anything is read: %s', async (source, message) => {
    const { code, stderr } = await runCli(['convert', '--', source, `${source}-soci`]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('is the folder of a layout, or a repository with a tag', async () => {
    expect(await run('convert', 'oci:app', 'oci:app-soci')).toMatchObject({ code: 0 });
    const { host } = await startWithImage();
    expect(await run('convert --plain-http', `${host}/app:v1`, `${host}/app-soci:latest`)).toMatchObject({ code: 0 });
  });
});

describe('the image of SRC', () => {
  it.each([
    ['its tag', 'app:v1', 'app:v1'],
    ['its tag among others', 'app:v1', 'app:v2 -t v1'],
    ['its name with another spelling of the host', 'app:v1', 'docker://LOCALHOST/app:v1'],
    ['the default tag', 'app', 'app:latest'],
    ['the tag that names its digest', 'app@DIGEST', 'app:v1'],
    ['the tag next to its digest', 'app:v1@DIGEST', 'app:v1'],
  ])('keeps %s in a registry', async (_, from, to) => {
    const registry = await startWithImage();
    const digest = registry.manifest('app', 'v1')?.digest ?? '';
    await registry.loadLayout('app', goldenLayoutPath('single-oci'), 'latest');
    const argv = ['convert', '--force', ...FAST, `${registry.host}/${from.replace('DIGEST', digest)}`];
    const [destination = '', ...options] = to.split(' ');
    const host = registry.host.replace(/^[^:]*/, 'LOCALHOST');
    const name = destination.startsWith('docker:')
      ? destination.replace('LOCALHOST', host)
      : `${registry.host}/${destination}`;
    const refused = await runCli([...argv, name, ...options]);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/\[TAG_TAKEN\]\n.*--overwrite-source/);
    expect(registry.manifest('app', 'v1')?.digest).toBe(digest);
    expect(registry.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
  });

  it.each([
    ['its tag', 'oci:app:v1', 'oci:app:v1'],
    ['the tag of the only image', 'oci:app', 'oci:app:v1'],
    ['the tag of the image at a position', 'oci:app:@0', 'oci:app:v1'],
    ['its tag in a directory with another name', 'oci:app:v1', 'oci:link/../app/:v1'],
    ['its tag in a linked directory', 'oci:app:v1', 'oci:link:v1'],
    ['its archive', 'oci-archive:app.tar:v1', 'oci-archive:app.tar:v1-soci'],
    ['its linked archive', 'oci-archive:app.tar:v1', 'oci-archive:link.tar:v1-soci'],
  ])('keeps %s, also with --force', async (_, from, to) => {
    await run('create', 'oci:app', 'oci-archive:app.tar:v1');
    symlinkSync(join(folder, 'app'), join(folder, 'link'));
    symlinkSync(join(folder, 'app.tar'), join(folder, 'link.tar'));
    const before = await run('inspect --json', from).then(({ stdout }) => stdout);
    const refused = await run('convert --force', from, to);
    expect(refused, refused.stderr).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/\[TAG_TAKEN\]\n.*--overwrite-source/);
    expect(await run('inspect --json', from)).toMatchObject({ stdout: before });
    expect(await run('convert --overwrite-source', from, to)).toMatchObject({ code: 0 });
    expect(await run('verify', to)).toMatchObject({ code: 0 });
  });

  it('can have the same tag in another repository or layout, and other tags in the same', async () => {
    const registry = await startWithImage();
    const source = `${registry.host}/app:v1`;
    for (const destination of [
      `${registry.host}/copy:v1`,
      `${registry.host}/app:V1`,
      'oci:out:v1',
      'oci-archive:o.tar:v1',
    ])
      expect(await run('convert', source, destination), destination).toMatchObject({ code: 0 });
    expect(await run('convert', 'oci:app:v1', 'oci:app:v2')).toMatchObject({ code: 0 });
    expect(tagsOf('app').filter((tag) => tag !== undefined)).toEqual(['v1', 'v2']);
  });

  it('does not change with create, so that it can keep its tag', async () => {
    expect(await run('create', 'oci:app:v1', 'oci:app:v1')).toMatchObject({ code: 0 });
    expect(await run('verify', 'oci:app:v1')).toMatchObject({ code: 0 });
  });

  it('is recognized if it was overwritten with the same settings', async () => {
    const registry = await startWithImage();
    const image = `${registry.host}/app:v1`;
    const indexed = jsonLines<{ root: object }>(await run('convert --json --overwrite-source', image, image))[0];
    expect(indexed).toMatchObject({ outcome: 'indexed' });
    expect(jsonLines(await run('convert --json --overwrite-source', image, image))[0]).toMatchObject({
      outcome: 'current',
      root: indexed?.root,
    });
  });
});
