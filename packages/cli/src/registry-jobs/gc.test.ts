import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import type { TestRegistry } from '@soci/test-registry';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { useForwardProxies } from '../fixtures/forward-proxy.ts';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';
import { fillRegistry, useTestRegistries } from '../fixtures/test-registries.ts';

const start = useTestRegistries();
const startProxy = useForwardProxies();
const folder = temporaryFolder();
const ECR_HOST = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';

interface Found {
  readonly repositories: readonly {
    readonly repository: string;
    readonly garbage: readonly { readonly digest: string; readonly tags: readonly string[]; readonly reason: string }[];
    readonly kept: readonly { readonly reason: string }[];
    readonly isPartial: boolean;
  }[];
}

/** Starts a registry with images and their indexes. */
async function startWith(images: number, options = {}) {
  const registry = await start(options);
  await fillRegistry(registry, { repositories: ['app'], images });
  for (let i = 1; i <= images; i++) {
    const argv = [
      'convert',
      '-q',
      '--min-layer-size',
      '0',
      `${registry.host}/app:v${i}`,
      `${registry.host}/app:v${i}-soci`,
    ];
    expect(await runCli(argv)).toMatchObject({ code: 0 });
  }
  return registry;
}

/** Deletes an image as a user does. */
async function deleteImage(registry: TestRegistry, tag: string): Promise<void> {
  const digest = registry.manifest('app', tag)?.digest;
  const response = await fetch(`${registry.url}/v2/app/manifests/${digest}`, { method: 'DELETE' });
  expect(response.status).toBe(202);
}

const gc = (registry: TestRegistry, ...argv: string[]) => runCli(['gc', ...argv, `${registry.host}/*`]);

/** Each test converts images. A loaded machine needs long. */
describe('gc', { timeout: 300_000 }, () => {
  it('shows garbage with its reason, and deletes nothing', async () => {
    const registry = await startWith(2);
    await deleteImage(registry, 'v1');
    const run = await gc(registry, '--older-than', '0d');
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect(run.stdout).toMatch(/^app +sha256:[0-9a-f]{12} +v1-soci +soci-image +source-gone$/m);
    expect(run.stdout).toMatch(/^source-gone: its source image was deleted$/m);
    expect(run.stdout).toContain('Dry run: 3 manifests of garbage');
    expect(run.stderr).toContain(`cannot be pulled after a deletion, such as ${registry.host}/app:v1-soci.`);
    expect(run.stderr).toContain('Untagged garbage is not visible');
    const quiet = await gc(registry, '--older-than', '0d', '--quiet');
    expect(quiet.stdout.trim().split('\n')[0]).toBe(
      `${registry.host}/app@${registry.manifest('app', 'v1-soci')?.digest}`,
    );
    expect(quiet.stdout.trim().split('\n')).toHaveLength(3);
    expect(registry.tags('app')).toEqual(['v1-soci', 'v2', 'v2-soci']);
    expect(registry.requests.filter(({ method }) => method === 'DELETE').length).toBe(1);
  });

  it('shows the only image of a repository as garbage, and warns that it can be a copy', async () => {
    const registry = await startWith(1);
    await deleteImage(registry, 'v1');
    const run = await gc(registry, '--older-than', '0d');
    expect(run.stdout).toMatch(/^app +sha256:[0-9a-f]{12} +v1-soci +soci-image +source-gone$/m);
    expect(run.stdout).toContain('Dry run: 3 manifests');
    expect(run.stderr).toContain(
      'warning: no image in app has its source image there. If they are copies from another repository, add --keep-copies',
    );
    const kept = await gc(registry, '--older-than', '0d', '--keep-copies', '--delete', '--in-use', 'none');
    expect(kept.stdout).toContain('No garbage in');
    expect(kept.stderr).toContain('Kept although it looks like garbage: 1 possible-copy.');
    expect(kept.stderr).not.toContain('warning');
    const undo = join(folder, 'only.jsonl');
    const deleted = await gc(registry, '--older-than', '0d', '--delete', '--in-use', 'none', '--undo', undo);
    expect(deleted.stdout).toContain('Deleted 3 manifests of 3.');
    expect(deleted.stderr).toContain('add --keep-copies');
  });

  it('keeps garbage of unknown age, and says so', async () => {
    const registry = await startWith(2);
    await deleteImage(registry, 'v1');
    const run = await gc(registry);
    expect(run.stdout).toContain('age-unknown');
    expect(run.stdout).toContain('Dry run: 0 manifests');
    expect(run.stderr).toContain('add --older-than 0d');
  });

  it('deletes garbage and restores it', async () => {
    const registry = await startWith(2);
    const root = registry.manifest('app', 'v1-soci')?.digest;
    await deleteImage(registry, 'v1');
    const undo = join(folder, 'undo.jsonl');
    const argv = ['--older-than', '0d', '--delete', '--in-use', 'none', '--undo', undo];
    const deleted = await gc(registry, ...argv);
    expect(deleted, deleted.stderr).toMatchObject({ code: 0 });
    expect(deleted.stdout).toContain('Deleted 3 manifests of 3.');
    expect(registry.tags('app')).toEqual(['v2', 'v2-soci']);
    expect(registry.checkGraph('app', 'v2-soci')).toEqual([]);
    expect(deleted.stderr).toContain(`soci-index gc --restore ${undo}`);

    const restored = await runCli(['gc', '--restore', undo]);
    expect(restored, restored.stderr).toMatchObject({ code: 0 });
    expect(restored.stdout).toContain('Restored 3 manifests and 1 tag; 0 existed.');
    expect(registry.manifest('app', 'v1-soci')?.digest).toBe(root);
    expect(registry.checkGraph('app', 'v1-soci')).toEqual([]);
    expect(await gc(registry, ...argv)).toMatchObject({ code: 1, stderr: expect.stringContaining('UNDO_EXISTS') });
  });

  it('does not move a tag when it restores', async () => {
    const registry = await startWith(2);
    await deleteImage(registry, 'v1');
    const undo = join(folder, 'moved.jsonl');
    await gc(registry, '--older-than', '0d', '--delete', '--in-use', 'none', '--undo', undo);
    const other = registry.manifest('app', 'v2');
    registry.putManifest('app', 'v1-soci', other?.mediaType ?? '', other?.bytes ?? new Uint8Array());
    const run = await runCli(['gc', '--restore', undo]);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect(run.stdout).toContain(`the tag v1-soci leads to ${other?.digest} now and was not moved`);
    expect(registry.manifest('app', 'v1-soci')?.digest).toBe(other?.digest);
  });

  it('keeps images in use: by digest, by tag, and by a part', async () => {
    const registry = await startWith(3);
    const listed = JSON.parse(Buffer.from(registry.manifest('app', 'v3-soci')?.bytes ?? []).toString()).manifests;
    const list = join(folder, 'in-use.txt');
    const byDigest = `docker-pullable://${registry.host}/app@${registry.manifest('app', 'v1-soci')?.digest}`;
    writeFileSync(list, `# pods\n${byDigest}\nmirror.example/app:v2-soci\n${listed[0].digest}\n`);
    for (const tag of ['v1', 'v2', 'v3']) await deleteImage(registry, tag);
    const run = await gc(registry, '--json', '--older-than', '0d', '--in-use', list);
    const [found] = jsonLines<Found>(run);
    expect(found?.repositories[0]?.garbage).toEqual([]);
    expect(found?.repositories[0]?.kept.map(({ reason }) => reason)).toEqual(['in-use', 'in-use', 'in-use']);
    const deletion = await gc(registry, '--json', '--older-than', '0d', '--in-use', list, '--delete');
    expect(jsonLines<object>(deletion)).toMatchObject([
      { results: [], kept: Array.from({ length: 3 }, () => ({ repository: 'app', reason: 'in-use' })) },
    ]);
  });

  it.each([
    [['--delete'], '--delete needs --in-use'],
    [['--undo', 'x'], '--undo needs --delete'],
    [['--restore', 'x', '--delete'], 'cannot use --restore with --delete'],
    [['--restore', 'x', '--in-use', 'none'], 'cannot use --restore with --in-use'],
    [['--delete', '--in-use', 'none', '--in-use', 'ecs:web'], '--in-use none cannot be used with another list'],
    [['--restore', 'x', '--continue', 'y'], 'cannot use --restore with --continue'],
    [['--delete', '--in-use', 'ecs:'], 'has no name of a cluster'],
  ])('rejects %s', async (argv, message) => {
    const run = await runCli(['gc', ...argv, 'registry.example/app']);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain(message);
  });

  it('deletes nothing if Amazon ECS does not allow to list what runs', async () => {
    const registry = await startWith(2);
    await deleteImage(registry, 'v1');
    const ecs = createServer((_, response) => {
      response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify({ __type: 'AccessDeniedException', message: 'not authorized' }));
    });
    await new Promise<void>((resolve) => ecs.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void ecs.close());
    const env = {
      AWS_ENDPOINT_URL_ECS: `http://127.0.0.1:${(ecs.address() as AddressInfo).port}`,
      AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'key',
      AWS_REGION: 'eu-west-1',
    };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    const argv = ['gc', '--older-than', '0d', '--delete', '--in-use', 'ecs:web', `${registry.host}/*`];
    const run = await runCli(argv, { env });
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('AWS denies ecs:ListTasks') });
    expect(registry.tags('app')).toEqual(['v1-soci', 'v2', 'v2-soci']);
  });

  it('keeps what any of several lists has', async () => {
    const registry = await startWith(3);
    for (const tag of ['v1', 'v2']) await deleteImage(registry, tag);
    const lists = ['v1', 'v2'].map((tag) => {
      const list = join(folder, `in-use-${tag}.txt`);
      writeFileSync(list, `${registry.host}/app:${tag}-soci\n`);
      return list;
    });
    const argv = ['--json', '--older-than', '0d', ...lists.flatMap((list) => ['--in-use', list])];
    const [found] = jsonLines<Found>(await gc(registry, ...argv));
    expect(found?.repositories[0]?.garbage).toEqual([]);
    expect(found?.repositories[0]?.kept.map(({ reason }) => reason)).toEqual(['in-use', 'in-use']);
  });

  it('rejects a list of images in use that is empty, and a file that is not an undo file', async () => {
    const file = join(folder, 'empty.txt');
    writeFileSync(file, '');
    const run = await runCli(['gc', '--delete', '--in-use', file, 'registry.example/app']);
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('IN_USE_INVALID') });
    expect(await runCli(['gc', '--restore', file])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('UNDO_INVALID'),
    });
    expect(await runCli(['gc', '--restore', join(folder, 'missing.jsonl')])).toMatchObject({ code: 1 });
  });

  it('reports the rest if the registry fails in the middle, after the undo file is complete', async () => {
    const registry = await startWith(2);
    await deleteImage(registry, 'v1');
    const undo = join(folder, 'failed.jsonl');
    const parts = JSON.parse(Buffer.from(registry.manifest('app', 'v1-soci')?.bytes ?? []).toString()).manifests;
    const fault = { kind: 'status', status: 500 } as const;
    const failures = registry.inject({ on: { method: 'DELETE' }, after: 1, times: Number.POSITIVE_INFINITY, fault });
    const argv = ['--older-than', '0d', '--delete', '--in-use', 'none', '--undo', undo, '--retry-times', '0'];
    const run = await gc(registry, ...argv);
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('DELETION_FAILED') });
    expect(run.stderr).toContain(`gc --restore ${undo}`);
    expect(existsSync(undo)).toBe(true);
    expect(await runCli(['gc', '--restore', undo])).toMatchObject({ code: 0 });
    expect(registry.checkGraph('app', 'v1-soci')).toEqual([]);
    expect(readdirSync(folder).filter((name) => name.includes('.tmp-'))).toEqual([]);

    // The image is deleted again, and its parts remain. Only the undo file says that they are ours.
    const second = join(folder, 'failed-again.jsonl');
    failures.remove();
    registry.inject({ on: { method: 'DELETE' }, after: 1, times: 2, fault });
    const again = [...argv.slice(0, 6), second, '--retry-times', '0'];
    expect((await gc(registry, ...again)).stderr).toContain(`run the command again with --continue ${second}`);
    expect(registry.tags('app')).toEqual(['v2', 'v2-soci']);
    const third = [...argv.slice(0, 6), join(folder, 'finished.jsonl')];
    expect((await gc(registry, ...third)).stdout).toContain('No garbage in');
    expect((await gc(registry, ...third, '--continue', second)).stdout).toContain('Deleted 2 manifests of 2.');
    for (const { digest } of parts) expect(registry.manifest('app', digest)).toBeUndefined();
  });

  it('finds what a moved tag left behind in Amazon ECR, and keeps what is too new', async () => {
    const registry = await start({ auth: 'ecr', ecr: true, account: '123456789012', region: 'eu-west-1' });
    const proxy = await startProxy(registry.host);
    const aws = {
      AWS_ENDPOINT_URL_ECR: registry.awsEndpoint,
      AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'key',
    };
    for (const [name, value] of Object.entries(aws)) vi.stubEnv(name, value);
    const env = { ...aws, HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' };
    try {
      await fillRegistry(registry, { repositories: ['app'], images: 2 });
      const image = `${ECR_HOST}/app:v1`;
      const convert = ['convert', '-q', '--plain-http', '--min-layer-size', '0', image, `${image}-soci`];
      expect(await runCli(convert, { env })).toMatchObject({ code: 0 });
      const old = registry.manifest('app', 'v1-soci')?.digest;
      const next = registry.manifest('app', 'v2');
      registry.putManifest('app', 'v1', next?.mediaType ?? '', next?.bytes ?? new Uint8Array());
      expect(await runCli(convert, { env })).toMatchObject({ code: 0 });

      const argv = ['gc', '--json', '--plain-http', `${ECR_HOST}/*`];
      const [recent] = jsonLines<Found>(await runCli(argv, { env }));
      expect(recent?.repositories).toEqual([
        {
          repository: 'app',
          garbage: [],
          kept: [expect.objectContaining({ digest: old, reason: 'too-new' })],
          hasSources: true,
          isPartial: false,
        },
      ]);
      const undo = join(folder, 'ecr.jsonl');
      const deletion = ['--older-than', '0d', '--delete', '--in-use', 'none', '--undo', undo];
      const run = await runCli([...argv, ...deletion], { env });
      expect(run, run.stderr).toMatchObject({ code: 0 });
      const [deleted] = jsonLines<{ results: object[]; kept: object[] }>(run);
      expect(deleted?.kept).toEqual([]);
      expect(deleted?.results).toEqual([
        expect.objectContaining({ digest: old, garbage: 'tag-moved', outcome: 'deleted' }),
        expect.objectContaining({ garbage: 'part', outcome: 'deleted' }),
        expect.objectContaining({ garbage: 'part', outcome: 'deleted' }),
      ]);
      expect(registry.checkGraph('app', 'v1-soci')).toEqual([]);
      expect(await runCli(['gc', '--plain-http', '--restore', undo], { env })).toMatchObject({ code: 0 });
      expect(registry.checkGraph('app', old ?? '')).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
