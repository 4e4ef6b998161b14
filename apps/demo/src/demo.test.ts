import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeImage, parseLocation, withImageStores } from '@soci/cli/internal';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, it } from 'vitest';
import { type DemoRun, runDemoInProcess } from './fixtures/run-demo-in-process.ts';

const folder = temporaryFolder();

/** Returns the name of a golden layout for the command line. */
const layout = (name: string) =>
  `oci:${fileURLToPath(new URL(`../../../conformance/golden/layouts/${name}`, import.meta.url))}`;

/** Options that index the small layers of the golden layouts. */
const indexSmallLayers = ['--min-layer-size', '1KiB'];

/** The fields of `--json` that the tests use. */
interface DemoReport {
  readonly outcome: string;
  readonly root: { readonly digest: string };
  readonly kept: string;
  readonly verified: { readonly valid: boolean; readonly filesRead: number };
  readonly steps: Record<'push' | 'index' | 'again' | 'read', { requests: number; bytesIn: number; bytesOut: number }>;
  readonly events: readonly {
    readonly event: { readonly 'detail-type': string; readonly detail: Record<string, string> };
    readonly rules: readonly string[];
    readonly filter: readonly { readonly answer: { readonly statusCode: number; readonly body: string } }[];
    readonly generator: readonly { readonly answer: { readonly outcome: string; readonly reason?: string } }[];
  }[];
  readonly inventory: readonly { readonly tag: string; readonly digest: string; readonly kind: string }[];
}

async function runForJson(argv: readonly string[]): Promise<DemoReport> {
  const { stdout } = await runDemoInProcess([...argv, '--json']);
  return JSON.parse(stdout) as DemoReport;
}

describe('an image that is indexed', () => {
  it('is reported step by step, and in tables at the end', async () => {
    const dir = join(folder, 'steps');
    const { code, stdout, stderr } = await runDemoInProcess(['--dir', dir, ...indexSmallLayers, layout('single-oci')]);
    expect(stderr).toBe('');
    expect(stdout).not.toContain('\\n');
    const steps = stdout.split('\n\n')[0] ?? '';
    expect(steps.match(/^\w[\w ]{9}/gm)?.map((title) => title.trimEnd())).toEqual([
      'Deploy',
      'Push',
      'Event',
      'Filter',
      'Generate',
      'Ready',
      'No loop',
      'Verify',
      'Repeat',
      'Read',
    ]);
    expect(steps).toMatch(/^Filter +matched filter "app:\*"; invoked the generator {2}\(.*cold start/m);
    expect(steps).toMatch(/^Generate +3 of 4 layers indexed as latest-soci {2}\(/m);
    expect(steps).toMatch(/^No loop .* 3 events: 2 not matched by the rule, 1 rejected by the filter$/m);
    expect(steps).toMatch(/^Verify +read 84 files through \d+ spans: all match their layers/m);
    expect(steps).toMatch(/^Repeat +the same event again: skipped: already-indexed, after [1-4] requests/m);
    expect(stdout).toMatch(/^ +generator +3 of 4 layers indexed as latest-soci +[\d.]+ s +[\d.]+ MiB +\+ [\d.]+ s$/m);
    expect(stdout).toMatch(/^ {2}latest-soci +sha256:\w+ +[\d.]+ (?:B|KiB) +SOCI-enabled image, consisting of:$/m);
    expect(stdout).toMatch(/^ {2}sha256:7c034b96d9ae +564 B +skipped: < 1 KiB$/m);
    expect(stdout).toMatch(/^ {2}█{20} +100 % +491 KiB {2}any file, without an index$/m);
    expect(stdout).toContain(`inspect oci:${join(dir, 'soci')}`);
    expect(code).toBe(0);
  });

  it('is reported as JSON', async () => {
    const report = await runForJson(['--dir', join(folder, 'json'), ...indexSmallLayers, layout('single-oci')]);
    expect(report).toMatchObject({ outcome: 'indexed', verified: { valid: true, filesRead: 84 } });
    const [first, ...others] = report.events;
    expect(first).toMatchObject({
      event: { 'detail-type': 'ECR Image Action', detail: { 'repository-name': 'app', 'image-tag': 'latest' } },
      rules: ['ECRImageActionEventBridgeRule'],
      filter: [{ answer: { statusCode: 200 } }],
      generator: [{ answer: { outcome: 'indexed' } }],
    });
    // The generator's own push does not start it again. The redelivered event does, but is skipped.
    const started = others.filter(({ generator }) => generator.length > 0);
    expect(started.map(({ event }) => event)).toEqual([first?.event]);
    expect(started[0]?.generator).toMatchObject([{ answer: { outcome: 'skipped', reason: 'already-indexed' } }]);
    expect(others.map(({ event }) => event['detail-type'])).toContain('SOCI Index Ready');
    expect(report.inventory.map(({ tag, kind }) => [tag, kind])).toEqual([
      ['latest', 'image'],
      ['latest-soci', 'soci-enabled'],
      ['', 'image'],
      ['', 'soci-index'],
    ]);
    expect(report.inventory[1]?.digest).toBe(report.root.digest);
    expect(report.steps.push.bytesIn).toBeGreaterThan(490_000);
    expect(report.steps.index.bytesIn).toBeLessThan(200_000);
    expect(report.steps.again.requests).toBeLessThan(5);
    await withImageStores({ env: {}, trace: () => {} }, { signal: new AbortController().signal }, async (stores) => {
      const { root, images } = await describeImage(await stores.openImage(parseLocation(report.kept)), {});
      expect(root.digest).toBe(report.root.digest);
      expect(images[0]?.sociIndexes).toHaveLength(1);
    });
  });

  it('can have several platforms', async () => {
    const report = await runForJson(['--dir', join(folder, 'multi'), '--min-layer-size', '0', layout('multi')]);
    expect(report).toMatchObject({ outcome: 'indexed', verified: { valid: true } });
    expect(report.inventory.filter(({ kind }) => kind === 'soci-index').length).toBeGreaterThan(1);
  });

  it('is reported in the width and colours of the terminal', async () => {
    const argv = ['--dir', join(folder, 'narrow'), ...indexSmallLayers, layout('single-oci')];
    const { stdout } = await runDemoInProcess(argv, { columns: 80, env: { NO_COLOR: '1', TERM: 'xterm' } });
    expect(stdout).not.toContain('\u001b');
    const tables = stdout.split('Next steps')[0] ?? '';
    expect(Math.max(...tables.split('\n').map((line) => [...line].length))).toBeLessThanOrEqual(80);
    const coloured = await runDemoInProcess(argv, { columns: 80, env: { TERM: 'xterm' } });
    expect(coloured.stdout).toContain('\u001b[1mGenerate');
  });
});

describe('an image that is not indexed', () => {
  const reasonOf = ({ stdout }: DemoRun) => (JSON.parse(stdout) as { reason: string }).reason;

  it.each([
    ['small-layers', 'layers-too-small'],
    ['zstd-only', 'layers-not-supported'],
  ])('is reported with the reason: %s', async (name, reason) => {
    const argv = ['--dir', join(folder, name), ...(name === 'zstd-only' ? indexSmallLayers : []), layout(name)];
    const run = await runDemoInProcess(argv);
    expect(run.code).toBe(3);
    expect(run.stdout).toMatch(new RegExp(`^Generate +skipped: ${reason} `, 'm'));
    const json = await runDemoInProcess([...argv, '--json']);
    expect(json.code).toBe(3);
    expect(reasonOf(json)).toBe(reason);
    expect(existsSync(join(folder, name, 'soci'))).toBe(false);
  });
});

describe('the command line', () => {
  it.each([
    [['oci:nowhere'], 1, 'npm start: folder nowhere does not exist [NOT_FOUND]'],
    [['nowhere'], 2, 'npm start: nowhere: missing transport or registry host [USAGE_INVALID]'],
    [['oci:a', 'oci:b'], 2, 'Usage: npm start -- [OPTIONS] [SRC]'],
  ])('%j fails with an error message', async (words, code, line) => {
    const run = await runDemoInProcess(['--dir', join(folder, 'wrong'), ...words]);
    expect(run.code).toBe(code);
    expect(run.stderr).toContain(line);
  });

  it('prints help', async () => {
    const { code, stdout } = await runDemoInProcess(['--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: npm start -- \[OPTIONS\] \[SRC\]$/m);
    expect(stdout).toMatch(/^ {2}npm start -- oci:app:v1$/m);
  });

  it('can be interrupted', async () => {
    const stop = new AbortController();
    const run = await runDemoInProcess(['--dir', join(folder, 'stopped'), ...indexSmallLayers, layout('single-oci')], {
      signal: stop.signal,
      onStdout: (text) => text.includes('Push') && stop.abort(new Error('stopped')),
    });
    expect(run.code).toBe(130);
    expect(run.stderr).toContain('stopped');
  });
});

describe('npm start -- backfill', () => {
  it('indexes 300 images, finds the one whose event was lost, and restores the garbage that it deletes', {
    timeout: 180_000,
  }, async () => {
    const { code, stdout } = await runDemoInProcess(['backfill']);
    expect(code).toBe(0);
    expect(stdout).toContain('Indexed 300 of 300 images');
    expect(stdout).toContain('150 of 151 images have a current index.');
    expect(stdout).toContain('Indexed 1 of 1 image');
    expect(stdout).toContain('Deleted 3 manifests of 3.');
    expect(stdout).toContain('Restored 3 manifests and 1 tag');
    expect(stdout).toContain('300 of 300 images have a current index.');
  });
});
