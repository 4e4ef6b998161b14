import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Runtime } from '@soci/test-runtime';
import { sociIndex } from '../measure.ts';
import { imageOf, PROFILES } from './images.ts';
import type { Workload } from './plan.ts';

/**
 * Records the profile of a workload as users do: `soci-index profile record` serves the image, and soci-snapshotter starts a
 * container from it. Two recordings differ a little, so a profile of an earlier invocation is kept: results of its image stay
 * valid.
 *
 * @param isNew - Records even if there is a profile.
 * @returns The file with the profile.
 * @throws {Error} If the recording or the container fails.
 */
export async function recordProfile(workload: Workload, runtime: Runtime, isNew: boolean): Promise<string> {
  mkdirSync(PROFILES, { recursive: true });
  const file = join(PROFILES, `${workload.name}.json`);
  if (!isNew && existsSync(file)) return file;
  process.stderr.write(`recording the profile of ${workload.name}\n`);
  const command = sociIndex('profile', 'record', '--output', file, `oci:${await imageOf(workload)}:latest`);
  const recording = spawn(command.program, command.arguments, { stdio: ['ignore', 'ignore', 'pipe'] });
  const stop = () => recording.kill('SIGINT');
  process.once('exit', stop);
  let messages = '';
  const served = new Promise<string>((resolve) => {
    recording.stderr.on('data', (text: Buffer) => {
      messages += text;
      const [, image] = /^Serving (\S+)/m.exec(messages) ?? [];
      if (image !== undefined) resolve(image);
    });
  });
  const ended = new Promise<number | null>((resolve, reject) => recording.once('error', reject).once('close', resolve));
  const failed = ended.then((code) => {
    throw new Error(`the recording ended with code ${code}: ${messages}`);
  });
  failed.catch(() => {});
  try {
    const request = { image: await Promise.race([served, failed]), snapshotter: 'soci' } as const;
    await runtime.wipe();
    await runtime.pull(request);
    const { code, stderr } = await runtime.run(request, workload.command);
    if (code !== 0) throw new Error(`${workload.command.join(' ')} exited with ${code}: ${stderr}`);
  } finally {
    stop();
    process.off('exit', stop);
  }
  const code = await ended;
  if (code !== 0) throw new Error(`the recording ended with code ${code}: ${messages}`);
  return file;
}
