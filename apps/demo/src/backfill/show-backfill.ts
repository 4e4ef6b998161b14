import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CliIo,
  type CommandContext,
  EXIT,
  type ExitCode,
  formatSeconds,
  main,
  type Output,
} from '@soci/cli/internal';
import { makeImage, makeLayer } from '@soci/test-content';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';

const REPOSITORIES = ['prod/web', 'prod/api', 'prod/worker', 'team/tools', 'team/docs', 'team/batch'];
const IMAGES_PER_REPOSITORY = 50;
/** The images are small, so that their layers are indexed although they are. */
const SETTINGS = ['--min-layer-size', '0'];

/**
 * Shows a whole registry: 300 images are indexed, an image whose event was lost is found, garbage is deleted and restored, and a
 * report says what is indexed.
 *
 * @param io - Standard output and error of the commands.
 */
export async function showBackfill(
  { output, signal, env }: CommandContext,
  io: Pick<CliIo, 'stdout' | 'stderr'>,
): Promise<ExitCode> {
  const started = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'soci-index-backfill-'));
  const registry = await startTestRegistry();
  const { host } = registry;
  const run = async (...words: string[]) => {
    await output.writeLine();
    await output.writeLine(output.style.bold(`$ soci-index ${words.join(' ').replaceAll(`${folder}/`, '')}`));
    const stdin = (async function* () {})();
    const code = await main(words, { stdout: io.stdout, stderr: io.stderr, stdin, env, signal });
    signal.throwIfAborted();
    return code;
  };
  try {
    await fill(registry);
    const state = ['--state', join(folder, 'state.jsonl')];
    await say(
      output,
      `A registry with ${REPOSITORIES.length * IMAGES_PER_REPOSITORY} images that have no index, in ${REPOSITORIES.length} repositories.`,
    );
    const codes = [
      await run('backfill', '--dry-run', ...SETTINGS, `${host}/*`),
      await run('backfill', ...SETTINGS, ...state, `${host}/*`),
    ];
    await push(registry, 'prod/web', 'hotfix');
    await say(
      output,
      'An image is pushed, and its event is lost. The status shows it, and the same command indexes it:',
    );
    codes.push(
      await run('status', ...SETTINGS, `${host}/prod/*`),
      await run('backfill', ...SETTINGS, ...state, `${host}/*`),
    );
    await remove(registry, 'team/docs', 'v1');
    await say(output, 'An image is deleted. Its index is garbage now, which is deleted and restored:');
    const undo = join(folder, 'undo.jsonl');
    codes.push(
      await run('gc', '--older-than', '0s', `${host}/*`),
      await run('gc', '--older-than', '0s', '--delete', '--in-use', 'none', '--undo', undo, `${host}/*`),
      await run('gc', '--restore', undo, `${host}/*`),
    );
    await say(output, 'The report:');
    codes.push(await run('status', ...SETTINGS, `${host}/*`));
    await say(
      output,
      `Done in ${formatSeconds((performance.now() - started) / 1000)}. Nothing is left on this machine.`,
    );
    return codes.every((code) => code === EXIT.SUCCESS) ? EXIT.SUCCESS : EXIT.FAILED;
  } finally {
    await registry.stop();
    await rm(folder, { recursive: true });
  }
}

async function say(output: Output, text: string): Promise<void> {
  await output.writeLine();
  await output.writeLine(text);
}

async function fill(registry: TestRegistry): Promise<void> {
  for (const repository of REPOSITORIES) {
    for (let number = 1; number <= IMAGES_PER_REPOSITORY; number++) await push(registry, repository, `v${number}`);
  }
}

async function remove(registry: TestRegistry, repository: string, tag: string): Promise<void> {
  const digest = registry.manifest(repository, tag)?.digest;
  const { status } = await fetch(`${registry.url}/v2/${repository}/manifests/${digest}`, { method: 'DELETE' });
  if (status !== 202) throw new Error(`the registry answered DELETE of ${repository}:${tag} with ${status}`);
}

async function push(registry: TestRegistry, repository: string, tag: string): Promise<void> {
  const { blobs, descriptor, bytes } = makeImage([
    makeLayer(`${repository} base`, 2000),
    makeLayer(`${repository} ${tag}`, 2000),
  ]);
  for (const blob of blobs) await registry.putBlob(repository, blob.bytes);
  registry.putManifest(repository, tag, descriptor.mediaType, bytes);
}
