// Files that are damaged or made to harm: each gets a clear answer, in bounded time, and no text of theirs controls a terminal.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOSTILE_TEXTS, makeImage, makeLayer, Random, unprintableIn } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { putInto } from '../fixtures/doctor-images.ts';
import { runCli } from '../fixtures/run-cli.ts';
import { SNAPSHOTTER_LOGS } from '../fixtures/snapshotter-logs.ts';

const folder = temporaryFolder();
let registry: TestRegistry;
let image: string;

beforeAll(async () => {
  registry = await startTestRegistry();
  await putInto(registry, 'prod/app', 'v1', makeImage([makeLayer('one', 3000)]));
  image = `${registry.host}/prod/app:v1`;
});

afterAll(() => registry.stop());

const CONFIG = `version = 3
imports = ["conf.d/*.toml"]
[proxy_plugins.soci]
type = "snapshot"
address = "/run/soci.sock"
[pull_modes.soci_v2]
enable = true
`;

const METADATA = () =>
  JSON.stringify({
    TaskARN: 'arn:aws:ecs:eu-west-1:1:task/a/b',
    Containers: [{ Name: 'a', Image: image, ImageID: 'sha256:1', Snapshotter: 'overlayfs' }],
  });

/** Flips, removes and repeats bytes. */
function damage(text: string, seed: number): Buffer {
  const random = new Random(seed);
  const bytes = Buffer.from(text);
  const at = random.below(bytes.length);
  const kind = random.below(3);
  if (kind === 0) bytes[at] = random.below(256);
  if (kind === 1) return bytes.subarray(0, at);
  return kind === 2 ? Buffer.concat([bytes, bytes.subarray(at), bytes.subarray(0, at)]) : bytes;
}

it.each(['--containerd-config', '--soci-config', '--task-metadata', '--log'])('%s: damaged files', async (option) => {
  const text = { '--task-metadata': METADATA(), '--log': SNAPSHOTTER_LOGS.login.join('\n') }[option] ?? CONFIG;
  for (let seed = 0; seed < 40; seed++) {
    const path = join(folder, 'damaged');
    writeFileSync(path, damage(text, seed));
    const run = await runCli(['doctor', option, path, image]);
    expect([0, 1, 3, 4], `seed ${seed}: ${run.stderr}`).toContain(run.code);
    expect(run.stderr, `seed ${seed}`).not.toMatch(/INTERNAL|This is a bug/);
    expect(unprintableIn(run.stdout + run.stderr)).toEqual([]);
  }
});

it('escapes text of files', async () => {
  for (const text of HOSTILE_TEXTS) {
    const metadata = join(folder, 'hostile.json');
    const container = { Name: text, Image: image, ImageID: text, Snapshotter: text };
    writeFileSync(
      metadata,
      JSON.stringify({ TaskARN: text, Cluster: text, ServiceName: text, LaunchType: text, Containers: [container] }),
    );
    const log = join(folder, 'hostile.log');
    writeFileSync(
      log,
      `${JSON.stringify({ msg: 'failed to make filesystem server', error: text })}\n${text} /dev/fuse ${text}\n`,
    );
    const config = join(folder, 'hostile.toml');
    writeFileSync(config, `imports = [${JSON.stringify('/nonexistent')}]\n[proxy_plugins.soci]\ntype = "snapshot"\n`);
    for (const mode of [[], ['--json'], ['--quiet']]) {
      const files = ['--task-metadata', metadata, '--log', log, '--containerd-config', config];
      const run = await runCli(['doctor', ...mode, ...files, image]);
      expect([1, 3, 4]).toContain(run.code);
      expect(unprintableIn(run.stdout + run.stderr)).toEqual([]);
      expect(run.stdout + run.stderr).not.toMatch(/^\s*(?:::|##|at ::)/m);
    }
  }
});

it.each([
  ['deeply nested values', '--soci-config', `a = ${'['.repeat(50_000)}`],
  ['deeply nested metadata', '--task-metadata', `${'['.repeat(100_000)}`],
  ['many containers', '--task-metadata', JSON.stringify({ Containers: Array(50_000).fill({ Image: 'a/b:c' }) })],
  ['many imports', '--containerd-config', `imports = [${'"/nonexistent/a.toml",'.repeat(10_000)}]\n`],
  ['a prototype', '--soci-config', '[__proto__]\nx = 1\n[constructor.prototype]\ny = 2\n'],
  ['a line of repeated messages', '--log', 'unable to fetch SOCI artifacts '.repeat(200_000)],
  ['repeated fields', '--log', `unable to fetch SOCI artifacts ${'a="'.repeat(500_000)}`],
])('%s', async (_, option, content) => {
  const path = join(folder, 'large');
  writeFileSync(path, content);
  const started = process.cpuUsage();
  const run = await runCli(['doctor', option, path, image]);
  expect([0, 1, 3, 4]).toContain(run.code);
  expect(run.stderr).not.toMatch(/INTERNAL|This is a bug/);
  const { user, system } = process.cpuUsage(started);
  // In CPU time, because the machine may be loaded. Work that is not bounded takes minutes.
  expect((user + system) / 1e6).toBeLessThan(10);
});
