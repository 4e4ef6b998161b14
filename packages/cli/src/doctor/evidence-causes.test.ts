// Causes that other evidence shows: the metadata of a task, configuration files, and logs of the real snapshotter.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { putInto, readManifest, runDoctor, runWell, usualImage } from '../fixtures/doctor-images.ts';
import { runCli } from '../fixtures/run-cli.ts';
import { SNAPSHOTTER_LOGS } from '../fixtures/snapshotter-logs.ts';

const folder = temporaryFolder();
let registry: TestRegistry;
let image: string;
let digests: { readonly root: string; readonly original: string; readonly index: string; readonly layer: string };

beforeAll(async () => {
  registry = await startTestRegistry();
  await putInto(registry, 'prod/app', 'v1', usualImage());
  image = `${registry.host}/prod/app:v1-soci`;
  await runWell('convert', '-q', '--jobs', '1', `${registry.host}/prod/app:v1`, image);
  const soci = readManifest(registry, 'prod/app', 'v1-soci').manifests.find(({ artifactType }) => artifactType);
  const [layer] = readManifest(registry, 'prod/app', 'v1').layers;
  digests = {
    root: registry.manifest('prod/app', 'v1-soci')?.digest ?? '',
    original: registry.manifest('prod/app', 'v1')?.digest ?? '',
    index: soci?.digest ?? '',
    layer: layer?.digest ?? '',
  };
});

afterAll(() => registry.stop());

function write(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Writes the log of a situation, for the image of the registry. */
function writeLog(name: keyof typeof SNAPSHOTTER_LOGS, more: readonly string[] = []): string {
  const values = { HOST: registry.host, IMAGE: image, INDEX: digests.index, LAYER: digests.layer };
  const lines = [...SNAPSHOTTER_LOGS[name], ...more].map((line) =>
    line.replaceAll(/\{(HOST|IMAGE|INDEX|LAYER)\}/g, (_, key: keyof typeof values) => values[key]),
  );
  return write(`${name}.log`, `${lines.join('\n')}\n`);
}

describe('a log of soci-snapshotter', () => {
  it.each([
    ['parallelPull', 'parallel-pull'],
    ['v2Disabled', 'pull-mode-disabled'],
    ['allDisabled', 'pull-mode-disabled'],
    ['login', 'index-unreachable'],
    ['noFuse', 'fuse-unavailable'],
    ['noLabels', 'snapshotter-not-configured'],
    ['wrongContent', 'wrong-content'],
  ] as const)('%s: %s', async (log, expected) => {
    const { code, cause, first } = await runDoctor(['--log', writeLog(log), image]);
    expect({ code, cause }).toEqual({ code: 4, cause: expected });
    expect(first?.read.join('\n')).toMatch(/\.log, line \d+: /);
  });

  it('rules out these causes if the image was mounted lazily', async () => {
    const { code, cause, ruledOut } = await runDoctor(['--log', writeLog('lazy'), image]);
    expect({ code, cause }).toEqual({ code: 0, cause: null });
    const excluded = ruledOut.map((each) => each.cause);
    for (const each of ['index-unreachable', 'fuse-unavailable', 'wrong-content', 'image-cached']) {
      expect(excluded).toContain(each);
    }
  });

  it('image-cached: the log does not mention the image', async () => {
    const log = write('other.log', SNAPSHOTTER_LOGS.lazy.join('\n').replaceAll(/\{\w+\}/g, 'sha256:0'));
    for (const path of [log, write('empty.log', '')]) {
      expect(await runDoctor(['--log', path, image])).toMatchObject({ code: 3, cause: 'image-cached' });
    }
  });

  it('ignores lines about other images', async () => {
    const other = SNAPSHOTTER_LOGS.login.map((line) => line.replaceAll('{IMAGE}', 'registry.example/other:v1'));
    const log = writeLog('lazy', other);
    expect(await runDoctor(['--log', log, image])).toMatchObject({ code: 0, cause: null });
  });

  it.each(['text', 'journald'])('reads lines as %s', async (format) => {
    const line = SNAPSHOTTER_LOGS.login.find((each) => each.includes('unable to fetch')) ?? '';
    const { error, msg } = JSON.parse(line) as { readonly error: string; readonly msg: string };
    const named = error.replaceAll('{IMAGE}', image);
    const text = `time="2026-11-29T18:27:06Z" level=warning msg=${JSON.stringify(msg)} error=${JSON.stringify(named)}`;
    const prefixed = `Nov 29 18:27:06 node soci-snapshotter-grpc[77]: ${line.replaceAll('{IMAGE}', image)}`;
    const log = write(`${format}.log`, format === 'text' ? text : prefixed);
    expect(await runDoctor(['--log', log, image])).toMatchObject({ code: 4, cause: 'index-unreachable' });
  });

  it('reads lines of any length and bytes that are no text, in bounded memory', async () => {
    const log = write('hostile.log', `${'x'.repeat(50_000_000)}\n\u0000\ufffd{"msg":\n{"outcome":"`);
    expect(await runDoctor(['--log', log, image])).toMatchObject({ code: 3, cause: 'image-cached' });
  });
});

const SOCI_PLUGIN = `[proxy_plugins.soci]
type = "snapshot"
address = "/run/soci-snapshotter-grpc/soci-snapshotter-grpc.sock"
`;

describe('a configuration of containerd', () => {
  it.each([
    ['has no proxy plugin', 'version = 3\n', /no proxy plugin/],
    ['does not use it', `version = 3\n${SOCI_PLUGIN}`, /does not use it/],
    [
      'uses overlayfs in Kubernetes',
      `version = 2\n${SOCI_PLUGIN}\n[plugins."io.containerd.grpc.v1.cri".containerd]\nsnapshotter = "overlayfs"\n`,
      /it uses overlayfs/,
    ],
    [
      'withholds annotations',
      `version = 2\n${SOCI_PLUGIN}\n[plugins."io.containerd.grpc.v1.cri".containerd]\nsnapshotter = "soci"\n`,
      /does not tell soci-snapshotter/,
    ],
  ])('%s', async (name, content, answer) => {
    const { code, cause, first } = await runDoctor(['--containerd-config', write(`${name}.toml`, content), image]);
    expect({ code, cause }).toEqual({ code: 4, cause: 'snapshotter-not-configured' });
    expect(first?.answer).toMatch(answer);
  });

  it.each([
    [
      'containerd 1',
      `version = 2\n${SOCI_PLUGIN}\n[plugins."io.containerd.grpc.v1.cri".containerd]\nsnapshotter = "soci"\ndisable_snapshot_annotations = false\n`,
    ],
    [
      'containerd 2',
      `version = 3\n${SOCI_PLUGIN}[proxy_plugins.soci.exports]\nenable_remote_snapshot_annotations = "true"\n[plugins.'io.containerd.cri.v1.images']\nsnapshotter = 'soci'\n`,
    ],
  ])('is right for %s', async (name, content) => {
    const { code, ruledOut } = await runDoctor(['--containerd-config', write(`${name}.toml`, content), image]);
    expect(code).toBe(0);
    expect(ruledOut.map(({ cause }) => cause)).toContain('snapshotter-not-configured');
  });

  it('reads imported files', async () => {
    write('90-soci.toml', `${SOCI_PLUGIN}[proxy_plugins.soci.exports]\nenable_remote_snapshot_annotations = "true"\n`);
    const main = `imports = ["90-*.toml"]\nversion = 3\n[plugins.'io.containerd.cri.v1.images']\nsnapshotter = 'soci'\n`;
    expect(await runDoctor(['--containerd-config', write('main.toml', main), image])).toMatchObject({ code: 0 });
    const absent = write('absent.toml', 'imports = ["/nonexistent/soci.toml"]\nversion = 3\n');
    const { code, notChecked } = await runDoctor(['--containerd-config', absent, image]);
    expect(code).toBe(0);
    expect(notChecked.find(({ cause }) => cause === 'snapshotter-not-configured')?.reason).toContain(
      '/nonexistent/soci.toml',
    );
  });
});

describe('a configuration of soci-snapshotter', () => {
  it.each([
    ['parallel-pull', '[pull_modes.parallel_pull_unpack]\nenable = true\n'],
    ['pull-mode-disabled', '[pull_modes.soci_v2]\nenable = false\n'],
    ['pull-mode-disabled', '[snapshotter]\nmin_layer_size = 1000000000\n'],
  ])('%s: %j', async (expected, content) => {
    const { code, cause, first } = await runDoctor(['--soci-config', write('soci.toml', content), image]);
    expect({ code, cause }).toEqual({ code: 4, cause: expected });
    expect(first?.remedy.join('\n')).toContain('systemctl restart soci-snapshotter');
  });

  it('has defaults that load lazily', async () => {
    expect(await runDoctor(['--soci-config', write('default.toml', ''), image])).toMatchObject({ code: 0 });
  });
});

/** Metadata of a task as AWS Fargate returns it. */
function metadata(container: object, task: object = {}): string {
  const arn = 'arn:aws:ecs:eu-west-1:123456789012:task/prod/0123456789abcdef0123456789abcdef';
  const sidecar = {
    Name: 'envoy',
    Image: 'public.ecr.aws/envoy:v1',
    ImageID: `sha256:${'e'.repeat(64)}`,
    Snapshotter: 'overlayfs',
  };
  return JSON.stringify({
    Cluster: 'arn:aws:ecs:eu-west-1:123456789012:cluster/prod',
    ServiceName: 'web',
    TaskARN: arn,
    LaunchType: 'FARGATE',
    PullStartedAt: '2026-11-29T10:00:00.5Z',
    Containers: [sidecar, { Name: 'app', Image: image, ...container }],
    ...task,
  });
}

describe('the metadata of a task', () => {
  it('deployed-before-index: the task runs another digest than the tag', async () => {
    const path = write('before.json', metadata({ ImageID: digests.original, Snapshotter: 'overlayfs' }));
    const { code, cause, first } = await runDoctor(['--task-metadata', path, image]);
    expect({ code, cause }).toEqual({ code: 4, cause: 'deployed-before-index' });
    expect(first?.remedy.join('\n')).toContain(
      'aws ecs update-service --cluster prod --service web --force-new-deployment',
    );
  });

  it('says that the container loads lazily, whatever else was found', async () => {
    const path = write('soci.json', metadata({ ImageID: digests.root, Snapshotter: 'soci' }));
    const { code, cause, ruledOut } = await runDoctor(['--task-metadata', path, image]);
    expect({ code, cause }).toEqual({ code: 0, cause: null });
    expect(ruledOut.map((each) => each.cause)).toContain('ran-on-overlayfs');
  });

  it('registry-unsupported comes before ran-on-overlayfs', async () => {
    const path = write('overlayfs.json', metadata({ ImageID: digests.root, Snapshotter: 'overlayfs' }));
    const { code, findings } = await runDoctor(['--task-metadata', path, image]);
    expect(code).toBe(4);
    expect(findings.map(({ cause }) => cause).slice(0, 2)).toEqual(['registry-unsupported', 'ran-on-overlayfs']);
  });

  it.each([
    ['EC2', { LaunchType: 'EC2' }],
    ['EXTERNAL', { LaunchType: 'EXTERNAL' }],
  ])('task-unsupported: launch type %s', async (_, task) => {
    const path = write('launch.json', metadata({ ImageID: digests.root }, task));
    expect(await runDoctor(['--task-metadata', path, image])).toMatchObject({ code: 4, cause: 'task-unsupported' });
  });

  it('rejects the metadata of another task', async () => {
    const path = write('other.json', metadata({ Image: 'registry.example/other:v1' }));
    const run = await runCli(['doctor', '--json', '--task-metadata', path, image]);
    expect(run.code).toBe(1);
    expect(run.stdout).toContain('"EVIDENCE_MISMATCH"');
    expect(run.stdout).toContain('registry.example/other:v1');
  });
});

describe('broken evidence', () => {
  it.each([
    ['--containerd-config', 'version = \n', /line 1, column/],
    ['--soci-config', '[pull_modes.soci_v2]\nenable = "yes"\n', /pull_modes\.soci_v2\.enable must be a boolean/],
    ['--soci-config', 'a = 1\na = 2\n', /line 2/],
    ['--task-metadata', '{"Containers": [', /is not task metadata/],
    ['--task-metadata', '[]', /is not a JSON object/],
    ['--task-metadata', '{"Containers": []}', /names no container/],
    ['--task-metadata', '\u00ff'.repeat(5_000_000), /larger than/],
  ])('%s %.20j', async (option, content, message) => {
    const run = await runCli(['doctor', option, write('broken', content), image]);
    expect(run).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(message) });
  });

  it.each(['--containerd-config', '--soci-config', '--task-metadata', '--log'])(
    '%s of a missing file',
    async (option) => {
      for (const path of [join(folder, 'nothing'), folder]) {
        expect(await runCli(['doctor', option, path, image])).toMatchObject({
          code: 1,
          stderr: expect.stringContaining(path),
        });
      }
    },
  );
});
