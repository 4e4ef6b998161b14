import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeImage, parseLocation, withImageStores } from '@soci/cli/internal';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, it } from 'vitest';
import { type DemoRun, runDemoHere } from './fixtures/run-demo-here.ts';

const folder = temporaryFolder();

/** A golden layout, as the command line names it. */
const layout = (name: string) =>
  `oci:${fileURLToPath(new URL(`../../../conformance/golden/layouts/${name}`, import.meta.url))}`;

/** Indexes the golden layouts too, whose layers are small. */
const small = ['--min-layer-size', '1KiB'];

/** What `--json` prints, as far as it is looked at here. */
interface Told {
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

async function tellJson(argv: readonly string[]): Promise<Told> {
  const { stdout } = await runDemoHere([...argv, '--json']);
  return JSON.parse(stdout) as Told;
}

describe('an image that goes the whole way', () => {
  it('is told of step by step, and at the end as a whole', async () => {
    const dir = join(folder, 'told');
    const { code, stdout, stderr } = await runDemoHere(['--dir', dir, ...small, layout('single-oci')]);
    expect(stderr).toBe('');
    const steps = stdout.split('\n\n')[0] ?? '';
    expect(steps.match(/^\w[\w ]{9}/gm)?.map((title) => title.trimEnd())).toEqual([
      'Deploy',
      'Push',
      'Event',
      'Filter',
      'Generate',
      'Ready',
      'No loop',
      'Proof',
      'Again',
      'Read',
    ]);
    expect(steps).toMatch(/^Filter +matched filter "app:\*"; generator invoked {2}\(.*cold start/m);
    expect(steps).toMatch(/^Generate +3 of 4 layers indexed as latest-soci {2}\(/m);
    expect(steps).toMatch(/^No loop .* 3 events too: the rule stops 2, the filter 1$/m);
    expect(steps).toMatch(/^Proof +84 files read back through \d+ spans, every byte right/m);
    expect(steps).toMatch(/^Again +the same event a second time: skipped: already-indexed, in [1-4] requests/m);
    expect(stdout).toMatch(/^ +generator +3 of 4 layers indexed as latest-soci +[\d.]+ s +[\d.]+ MiB +\+ [\d.]+ s$/m);
    expect(stdout).toMatch(/^ {2}latest-soci +sha256:\w+ +[\d.]+ (?:B|KiB) +SOCI-enabled image, which lists:$/m);
    expect(stdout).toMatch(/^ {2}sha256:7c034b96d9ae +564 B +none: < 1 KiB$/m);
    expect(stdout).toMatch(/^ {2}█{20} +100 % +491 KiB {2}any file, without the index$/m);
    expect(stdout).toContain(`inspect oci:${join(dir, 'soci')}`);
    expect(code).toBe(0);
  });

  it('is told of as JSON', async () => {
    const told = await tellJson(['--dir', join(folder, 'json'), ...small, layout('single-oci')]);
    expect(told).toMatchObject({ outcome: 'indexed', verified: { valid: true, filesRead: 84 } });
    const [first, ...others] = told.events;
    expect(first).toMatchObject({
      event: { 'detail-type': 'ECR Image Action', detail: { 'repository-name': 'app', 'image-tag': 'latest' } },
      rules: ['ECRImageActionEventBridgeRule'],
      filter: [{ answer: { statusCode: 200 } }],
      generator: [{ answer: { outcome: 'indexed' } }],
    });
    // Of all that the generator pushes, nothing starts it again; the same event does, for nothing.
    const started = others.filter(({ generator }) => generator.length > 0);
    expect(started.map(({ event }) => event)).toEqual([first?.event]);
    expect(started[0]?.generator).toMatchObject([{ answer: { outcome: 'skipped', reason: 'already-indexed' } }]);
    expect(others.map(({ event }) => event['detail-type'])).toContain('SOCI Index Ready');
    expect(told.inventory.map(({ tag, kind }) => [tag, kind])).toEqual([
      ['latest', 'image'],
      ['latest-soci', 'soci-enabled'],
      ['', 'image'],
      ['', 'soci-index'],
    ]);
    expect(told.inventory[1]?.digest).toBe(told.root.digest);
    expect(told.steps.push.bytesIn).toBeGreaterThan(490_000);
    expect(told.steps.index.bytesIn).toBeLessThan(200_000);
    expect(told.steps.again.requests).toBeLessThan(5);
    await withImageStores({ env: {}, trace: () => {} }, new AbortController().signal, async (places) => {
      const { root, images } = await describeImage(await places.openImage(parseLocation(told.kept)), {});
      expect(root.digest).toBe(told.root.digest);
      expect(images[0]?.sociIndexes).toHaveLength(1);
    });
  });

  it('may have several platforms', async () => {
    const told = await tellJson(['--dir', join(folder, 'multi'), '--min-layer-size', '0', layout('multi')]);
    expect(told).toMatchObject({ outcome: 'indexed', verified: { valid: true } });
    expect(told.inventory.filter(({ kind }) => kind === 'soci-index').length).toBeGreaterThan(1);
  });

  it('is told of in the width and the colours of the terminal', async () => {
    const argv = ['--dir', join(folder, 'narrow'), ...small, layout('single-oci')];
    const { stdout } = await runDemoHere(argv, { columns: 80, env: { NO_COLOR: '1', TERM: 'xterm' } });
    expect(stdout).not.toContain('\u001b');
    const shown = stdout.split('Try next')[0] ?? '';
    expect(Math.max(...shown.split('\n').map((line) => [...line].length))).toBeLessThanOrEqual(80);
    const coloured = await runDemoHere(argv, { columns: 80, env: { TERM: 'xterm' } });
    expect(coloured.stdout).toContain('\u001b[1mGenerate');
  });
});

describe('an image that gets no index', () => {
  const reasonOf = ({ stdout }: DemoRun) => (JSON.parse(stdout) as { reason: string }).reason;

  it.each([
    ['small-layers', 'layers-too-small'],
    ['zstd-only', 'layers-not-supported'],
  ])('is told of with the reason: %s', async (name, reason) => {
    const argv = ['--dir', join(folder, name), ...(name === 'zstd-only' ? small : []), layout(name)];
    const run = await runDemoHere(argv);
    expect(run.code).toBe(3);
    expect(run.stdout).toMatch(new RegExp(`^Generate +skipped: ${reason} `, 'm'));
    const json = await runDemoHere([...argv, '--json']);
    expect(json.code).toBe(3);
    expect(reasonOf(json)).toBe(reason);
    expect(existsSync(join(folder, name, 'soci'))).toBe(false);
  });
});

describe('a command line', () => {
  it.each([
    [['oci:nowhere'], 1, 'npm start: there is no folder nowhere [NOT_FOUND]'],
    [['nowhere'], 2, 'npm start: nowhere: missing transport or registry host [USAGE_INVALID]'],
    [['oci:a', 'oci:b'], 2, 'Usage: npm start -- [OPTIONS] [SRC]'],
  ])('%j is answered with what is wrong', async (words, code, line) => {
    const run = await runDemoHere(['--dir', join(folder, 'wrong'), ...words]);
    expect(run.code).toBe(code);
    expect(run.stderr).toContain(line);
  });

  it('may ask for help', async () => {
    const { code, stdout } = await runDemoHere(['--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: npm start -- \[OPTIONS\] \[SRC\]$/m);
    expect(stdout).toMatch(/^ {2}npm start -- oci:app:v1$/m);
  });

  it('may be interrupted', async () => {
    const stop = new AbortController();
    const run = await runDemoHere(['--dir', join(folder, 'stopped'), ...small, layout('single-oci')], {
      signal: stop.signal,
      onStdout: (text) => text.includes('Push') && stop.abort(new Error('stopped')),
    });
    expect(run.code).toBe(130);
    expect(run.stderr).toContain('stopped');
  });
});
