import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createGuardedFolder } from './guarded-folder.ts';

const MODULE = pathToFileURL(join(import.meta.dirname, 'guarded-folder.ts')).href;

/** Starts a process that creates a guarded folder, prints its path, and runs the code. */
async function startOwner(code: string): Promise<{ readonly path: string; readonly owner: ChildProcess }> {
  const script = `import { createGuardedFolder } from '${MODULE}';
const folder = createGuardedFolder();
console.log(folder.path);
${code}`;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', script];
  const owner = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [path] = await new Promise<string[]>((resolve) =>
    owner.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().split('\n'))),
  );
  return { path: path ?? '', owner };
}

async function removed(path: string): Promise<void> {
  while (existsSync(path)) await wait(20);
}

const hasProgram = (name: string) =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)));
const canCleanUp = process.platform === 'linux' && ['rm', 'umount'].every(hasProgram);

describe.skipIf(!canCleanUp)('guarded folder (Linux, needs rm and umount)', () => {
  test('remove() deletes the folder with its content', async () => {
    const folder = createGuardedFolder();
    writeFileSync(Buffer.concat([Buffer.from(`${folder.path}/not UTF-8: `), Buffer.from([0xe9, 0xff])]), 'content');
    await folder.remove();
    expect(existsSync(folder.path)).toBe(false);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('is deleted after %s', async (signal) => {
    const { path, owner } = await startOwner('setInterval(() => {}, 1000);');
    expect(existsSync(path)).toBe(true);
    owner.kill(signal);
    await removed(path);
  });

  test('is deleted after an exception', async () => {
    const { path, owner } = await startOwner('setTimeout(() => process.exit(3), 100);');
    const code = await new Promise((resolve) => owner.on('exit', resolve));
    expect(code).toBe(3);
    await removed(path);
  });

  test('does not keep its process alive', async () => {
    const { path, owner } = await startOwner('');
    expect(await new Promise((resolve) => owner.on('exit', resolve))).toBe(0);
    await removed(path);
  });
});
