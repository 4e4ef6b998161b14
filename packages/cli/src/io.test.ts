import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { goldenLayerPath } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, it } from 'vitest';
import { runCli } from './fixtures/run-cli.ts';

const folder = temporaryFolder();

/** Starts the program from its sources in another process. */
function start(...argv: string[]): ChildProcessWithoutNullStreams {
  const script = `
    import { main } from ${JSON.stringify(new URL('./main.ts', import.meta.url).href)};
    process.exitCode = await main(${JSON.stringify(argv)});`;
  return spawn(process.execPath, ['--conditions=@soci/source', '--input-type=module', '--eval', script]);
}

describe('the program as a process', () => {
  it('stops on a signal, cleans up, and exits with 130', async () => {
    // The first zeros are the end of the archive. The program reads the rest of the file too, which takes a while.
    const endless = join(folder, 'endless.tar');
    writeFileSync(endless, '');
    truncateSync(endless, 2 ** 34);
    const child = start('ztoc', 'create', '-o', join(folder, 'out'), endless);
    while (!existsSync(join(folder, 'out'))) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGINT');
    const [[code], stderr] = await Promise.all([once(child, 'exit'), text(child.stderr)]);
    expect(code).toBe(130);
    expect(stderr).toContain('stopped by SIGINT');
  });

  it('exits with 0 when its reader closes the pipe', async () => {
    await runCli(['ztoc', 'create', '-o', folder, goldenLayerPath('many-files.tar.gz')]);
    const child = start('ztoc', 'ls', '--json', join(folder, 'many-files.tar.gz.ztoc'));
    child.stdout.once('data', () => child.stdout.destroy());
    const [[code], stderr] = await Promise.all([once(child, 'exit'), text(child.stderr)]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
