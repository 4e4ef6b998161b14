// `soci-index doctor` finds the causes that only the runtime shows, from the configuration and the log of the real snapshotter.
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTestRegistry } from '@soci/test-registry';
import { createGuardedFolder, type Runtime, type SnapshotterSettings, startRuntime } from '@soci/test-runtime';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { runProgram, runWell } from '../registries/run-program.ts';
import { encode } from './images/encodings.ts';
import { makeUsualArchives } from './images/usual-image.ts';
import { pushLayout, writeImage } from './images/write-image.ts';
import { addWrongImage } from './images/wrong-ztoc.ts';
import { SOCI_INDEX, useSession } from './session.ts';
import { listTree } from './tree.ts';

/** Time for reading files, in milliseconds. */
const READING = 5_000;

const OPTIONS = ['--min-layer-size', '0', '--span-size', '128KiB'];

describe.skipIf(inject('programs') === undefined)('doctor, with the real snapshotter', () => {
  const session = useSession();
  let converted: string;

  beforeAll(async () => {
    const { folder, reference, registry } = session();
    const archives = makeUsualArchives(2);
    const layers = await Promise.all(
      archives.map(async (archive) => ({ archive, blob: await encode('go', archive, reference) })),
    );
    const layout = join(folder, 'image');
    converted = join(folder, 'converted');
    await writeImage(layout, { platforms: { 'linux/amd64': layers } });
    await runWell(process.execPath, [SOCI_INDEX, 'convert', '-q', ...OPTIONS, `oci:${layout}`, `oci:${converted}`]);
    await pushLayout(converted, registry, 'doctor', 'soci');
  });

  /** Diagnoses an image with the files of a runtime. */
  async function diagnose(image: string, runtime: Runtime, log: string = runtime.snapshotterLog) {
    const files = ['--containerd-config', runtime.containerdConfig, '--soci-config', runtime.snapshotterConfig];
    return runDoctor([...files, '--log', log, image]);
  }

  async function runDoctor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const all = [SOCI_INDEX, 'doctor', '--json', '--plain-http', ...args];
    const { code, stdout, stderr } = await runProgram(process.execPath, all, {
      env: { ...(process.env as Record<string, string>), ...(env as Record<string, string>) },
    });
    expect([0, 3, 4], stderr.toString()).toContain(code);
    return { code, cause: (JSON.parse(stdout.toString()) as { readonly cause: string | null }).cause };
  }

  /** Pulls the image with these settings, and diagnoses it. */
  async function pullAndDiagnose(settings: SnapshotterSettings) {
    const { registry, runtime } = session();
    const image = `${registry}/doctor:soci`;
    await runtime.wipe(settings);
    await runtime.pull({ image, snapshotter: 'soci' });
    return diagnose(image, runtime);
  }

  test('an image that is mounted lazily, and one that the node has already', async () => {
    const { registry, runtime, folder } = session();
    expect(await pullAndDiagnose({})).toEqual({ code: 0, cause: null });
    const before = statSync(runtime.snapshotterLog).size;
    const image = `${registry}/doctor:soci`;
    await runtime.pull({ image, snapshotter: 'soci' });
    const later = join(folder, 'later.log');
    writeFileSync(later, readFileSync(runtime.snapshotterLog).subarray(before));
    expect(await diagnose(image, runtime, later)).toEqual({ code: 3, cause: 'image-cached' });
  });

  test.each<readonly [cause: string, settings: SnapshotterSettings]>([
    ['parallel-pull', { parallelPull: true }],
    ['pull-mode-disabled', { versions: [1], logLevel: 'debug' }],
    ['pull-mode-disabled', { minLayerSize: 100_000_000 }],
    ['snapshotter-not-configured', { labels: false }],
  ])('%s: %j', async (cause, settings) => {
    expect(await pullAndDiagnose(settings)).toEqual({ code: 4, cause });
  });

  test('index-unreachable: only containerd has credentials', async () => {
    const { runtime, folder } = session();
    const account = { username: 'ann', password: 'secret' };
    const registry = await startTestRegistry({ auth: account });
    try {
      await registry.loadLayout('doctor', converted, 'soci');
      const image = `${registry.host}/doctor:soci`;
      await runtime.wipe({});
      await runtime.pull({ image, snapshotter: 'soci', user: `${account.username}:${account.password}` });
      const authFile = join(folder, 'auth.json');
      const auth = Buffer.from(`${account.username}:${account.password}`).toString('base64');
      writeFileSync(authFile, JSON.stringify({ auths: { [registry.host]: { auth } } }));
      const found = await runDoctor(['--authfile', authFile, '--log', runtime.snapshotterLog, image]);
      expect(found).toEqual({ code: 4, cause: 'index-unreachable' });
    } finally {
      await registry.stop();
    }
  });

  test('wrong-content: a zTOC of another layer', async () => {
    const { registry, runtime } = session();
    const { root } = await addWrongImage(converted, (_, other) => other);
    await pushLayout(converted, registry, 'doctor', 'wrong', root);
    const image = `${registry}/doctor:wrong`;
    await runtime.wipe({});
    await runtime.pull({ image, snapshotter: 'soci' });
    const programs = inject('programs');
    const mounted = await runtime.mount({ image, snapshotter: 'soci' });
    await listTree(programs?.listTree ?? '', mounted, { timeout: READING });
    expect(await diagnose(image, runtime)).toEqual({ code: 4, cause: 'wrong-content' });
  });

  test('fuse-unavailable: /dev/fuse is not that device', async () => {
    const { registry } = session();
    const programs = inject('programs')?.runtime;
    if (programs === undefined) throw new Error('the programs are missing');
    const folder = createGuardedFolder();
    try {
      // In a mount namespace of its own, so that the machine keeps its device.
      const wrapper = join(folder.path, 'without-fuse');
      const command = `mount --bind /dev/null /dev/fuse && exec "$@"`;
      writeFileSync(wrapper, `#!/bin/sh\nexec unshare --mount sh -c '${command}' sh ${programs.snapshotter} "$@"\n`);
      chmodSync(wrapper, 0o755);
      const runtime = await startRuntime({ programs: { ...programs, snapshotter: wrapper }, folder });
      const image = `${registry}/doctor:soci`;
      await runtime.pull({ image, snapshotter: 'soci' });
      expect(await diagnose(image, runtime)).toEqual({ code: 4, cause: 'fuse-unavailable' });
    } finally {
      await folder.remove();
    }
  });
});
