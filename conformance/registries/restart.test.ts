// A registry is killed during a conversion and restarted a moment later.
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findTool, hasTools, type ToolName } from '../tools/tools.ts';
import { startDistribution } from './launch/distribution.ts';
import { readRequests } from './launch/logs.ts';
import { pushMadeImage } from './made-image.ts';
import { craneDigest } from './oracles.ts';
import { convert, sociIndex } from './soci-index.ts';

const PROGRAMS: readonly ToolName[] = ['docker-registry', 'registry'];
/** Number of answered requests after which the registry is killed. */
const MOMENTS = [0, 0.25, 0.5, 0.75];
/** Time without a registry, in milliseconds. */
const OUTAGE = 300;

for (const program of PROGRAMS) {
  describe.skipIf(!hasTools(program, 'crane'))(program, () => {
    test('converts the image', async () => {
      const folder = temporaryFolder();
      const log = join(folder, 'log');
      const options = { path: findTool(program) ?? program, folder, log };
      let registry = await startDistribution(options);
      onTestFinished(() => registry.stop());
      const { host } = registry;
      await pushMadeImage(registry, 'restart/from:v1', folder);
      const before = readRequests(log).length;
      const { root: expected } = await convert(`${host}/restart/from:v1`, `${host}/restart/undisturbed:v1`);
      const needed = readRequests(log).length - before;

      let interrupted = 0;
      for (const moment of MOMENTS) {
        const answered = readRequests(log).length + Math.floor(needed * moment);
        const to = `${host}/restart/disturbed-${moment}:v1`;
        const conversion = convert(`${host}/restart/from:v1`, to);
        const over = conversion.then(
          () => true,
          () => true,
        );
        while (readRequests(log).length <= answered && !(await Promise.race([over, wait(2, false)])));
        if (!(await Promise.race([over, wait(0, false)]))) interrupted++;
        await registry.kill();
        await wait(OUTAGE);
        registry = await startDistribution({ ...options, port: Number(host.split(':')[1]) });
        expect((await conversion).root).toEqual(expected);
        expect(await craneDigest(to)).toBe(expected?.digest);
        expect((await sociIndex('verify', to)).code).toBe(0);
      }
      expect(interrupted).toBeGreaterThan(0);
    });
  });
}
