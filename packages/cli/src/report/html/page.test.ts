import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ImageAnalysis, LayerAnalysis } from '@soci/index';
import { findChromium, noise, tarOf } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { buildZtoc, encodeZtoc } from '@soci/ztoc';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packImage } from '../../fixtures/pack-image.ts';
import { runCli } from '../../fixtures/run-cli.ts';
import { assess } from '../assessment.ts';
import { describeVerdict } from '../verdict.ts';
import { reportAsHtml } from './page.ts';

const MIB = 1 << 20;
const TIME_LIMIT = 120_000;
const folder = temporaryFolder();
const executablePath = findChromium();

/** Text that must not become a tag, an attribute, a style, a line or a control code. */
const HOSTILE = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' style='position:fixed",
  '</style><h1>x</h1>',
  '\u001b[31mred\u001b]0;title\u0007',
  '\u202egpj.exe',
  '&lt;b&gt;',
  '{{x}}`',
].map((text) => text.replaceAll('/', '|'));

/** Writes an image and its report. Returns what was printed, and the page. */
async function report(name: string, layers: Parameters<typeof packImage>[1], start: object, ...options: string[]) {
  const page = join(folder, `${name}.html`);
  await packImage(join(folder, name), layers, start);
  const small = ['--jobs', '1', '--min-layer-size', '64KiB', '--bandwidth', '1M'];
  const run = await runCli(['report', ...small, ...options, '--html', page, `oci:${join(folder, name)}`]);
  return { ...run, page, text: readFileSync(page, 'utf8') };
}

const APP = { 'usr/bin/app': noise(MIB / 8, 1), 'usr/share/app/data': noise(3 * MIB, 2), 'etc/app.conf': 'a=1\n' };

/** Report of an image with one layer and these files. */
async function pageOf(files: number, layers: number): Promise<string> {
  const { ztoc } = await buildZtoc([tarOf({ file: 'x' })]);
  const [file] = ztoc.files;
  if (file === undefined) throw new Error('the layer has no file');
  const name = (i: number) => new TextEncoder().encode(`usr/lib/${i % 317}/${i % 1009}/file-${i}`);
  const entries = Array.from({ length: files }, (_, i) => ({
    ...file,
    name: name(i),
    uncompressedOffset: i * 1536 + 512,
    uncompressedSize: 1024,
  }));
  const size = files * 1536;
  const encoded = encodeZtoc({ ...ztoc, files: entries, uncompressedArchiveSize: Math.max(size, 1024) });
  const spans = ['auto' as const, 1 << 22].map((spanSize) => {
    return { spanSize, spans: 1, ztocSize: encoded.length, spansRead: 1, bytesRead: size / 3, bytesInflated: size };
  });
  const reads = [{ start: 0, end: size / 4 }];
  const content = { uncompressedSize: size, files, ztoc: encoded, reads, spans, warnings: [] };
  const all = Array.from({ length: layers }, (_, i): LayerAnalysis => {
    const digest = `sha256:${String(i).padStart(64, '0')}`;
    return { digest, mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', size: size + i, content };
  });
  const manifest = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: 'sha256:0', size: 0 };
  const platform = { os: 'linux', architecture: 'amd64' };
  const found = {
    platform,
    manifest,
    command: ['app'],
    sociIndex: undefined,
    origin: undefined,
    files: 1,
    filesFound: 1,
    reachedLimits: [],
  };
  const analysis: ImageAnalysis = { ...found, layers: all };
  const assessment = assess(analysis, { bandwidth: 1e6, latency: 0.01 }, 0);
  const verdict = describeVerdict(assessment);
  return reportAsHtml({ source: 'oci:app', profile: 'predicted', assessment, verdict, choices: [] });
}

describe('report --html', () => {
  it('writes one page without a script, which names no other resource', async () => {
    const { code, stdout, stderr, text, page } = await report('app', [APP], { Cmd: ['/usr/bin/app'] });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Index it: /);
    expect(stderr).toContain(`wrote ${page}\n`);
    expect(text).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(text).toContain('content="default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;;');
    expect(text).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">');
    expect(text).not.toMatch(/<script|<img|<link|<iframe|href=|src=|url\(|@import/);
    expect(text).toMatch(/<p>Index it: <code>\/usr\/bin\/app<\/code> starts in about/);
    expect(text).toMatch(/title="[^"]*\/usr\/bin\/app: 128 KiB, 100 % read"/);
    expect(text).toMatch(/title="[^"]*data: 3 MiB, not read"/);
  });

  it('escapes hostile names and commands on the page, and on the terminal', async () => {
    const files = Object.fromEntries(HOSTILE.map((name, i) => [`app/${name}`, noise(MIB / 8, i)]));
    const { text, stdout, stderr } = await report('hostile', [{ ...files, app: noise(MIB, 9) }], {
      Cmd: ['/app', ...HOSTILE],
    });
    expect(text).not.toMatch(/<script|<img|<h1>x|onerror=alert\(1\)>|style='position/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters must not be printed
    for (const printed of [text, stdout, stderr]) expect(printed).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202e]/);
    expect(text).toContain('&lt;script&gt;alert(1)&lt;|script&gt;');
  });

  it(
    'does not grow with the number of files and layers',
    async () => {
      for (const [files, layers] of [
        [100_000, 2],
        [50, 5000],
      ] as const) {
        const text = await pageOf(files, layers);
        expect(text.length).toBeLessThan(600_000);
        expect(text.match(/<div/g)?.length).toBeLessThan(5000);
      }
    },
    TIME_LIMIT,
  );

  it(
    'reports an image with 520 layers',
    async () => {
      const layers = Array.from({ length: 520 }, (_, i) => ({ [`etc/${i}`]: `${i}\n` }));
      const { code, stdout, text } = await report('many', [APP, ...layers], { Cmd: ['/usr/bin/app'] });
      expect(code).toBe(0);
      expect(stdout.split('\n').length).toBeLessThan(80);
      expect(stdout).toContain('... and 481 smaller layers (--json lists all)');
      expect(text).toContain('and 421 smaller layers');
    },
    TIME_LIMIT,
  );

  it('checks first that the file can be written', async () => {
    const unwritable = await runCli(['report', '--html', folder, 'oci:missing']);
    expect(unwritable).toMatchObject({ code: 1, stderr: expect.stringContaining('[FILE_UNWRITABLE]') });
  });
});

describe.skipIf(executablePath === undefined)('report --html, in Chromium,', () => {
  let browser: Browser;
  let url = '';
  let verdict = '';

  beforeAll(async () => {
    const { page, stdout } = await report('shown', [APP, { 'etc/x': 'x' }], { Cmd: ['/usr/bin/app', ...HOSTILE] });
    url = pathToFileURL(page).href;
    verdict = stdout.split('\n')[0] ?? '';
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox', '--disable-gpu'] });
  }, TIME_LIMIT);
  afterAll(() => browser.close());

  const SCREENS = [390, 1280].flatMap((width) => (['light', 'dark'] as const).map((scheme) => ({ width, scheme })));

  it.each(SCREENS)(
    'answers on the first screen, $width pixels wide and $scheme',
    async ({ width, scheme }) => {
      const page = await browser.newPage({ colorScheme: scheme, viewport: { width, height: 844 } });
      const problems: string[] = [];
      page.on('console', (message) => problems.push(message.text()));
      page.on('dialog', () => problems.push('a script ran'));
      page.on('request', (request) => request.url() !== url && problems.push(request.url()));
      await page.goto(url);
      const seen = await page.evaluate(() => {
        const answer = document.querySelector('.verdict p');
        const luminance = (color: string) =>
          (color.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
        const { color, backgroundColor } = getComputedStyle(document.body);
        const areas = [...document.querySelectorAll('.treemap div')].map((area) => area.getBoundingClientRect());
        const map = document.querySelector('.treemap')?.getBoundingClientRect();
        return {
          answer: answer?.textContent,
          bottom: answer?.getBoundingClientRect().bottom,
          overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
          isDark: luminance(backgroundColor) < luminance(color),
          areas: areas.length,
          outside: areas.filter((area) => map && (area.right > map.right + 1 || area.bottom > map.bottom + 1)).length,
          scripts: document.scripts.length + document.images.length,
        };
      });
      await page.close();
      expect(problems).toEqual([]);
      expect(seen).toMatchObject({
        answer: verdict.replaceAll('`', ''),
        overflow: 0,
        isDark: scheme === 'dark',
        outside: 0,
        scripts: 0,
      });
      expect(seen.areas).toBeGreaterThan(3);
      expect(seen.bottom).toBeLessThan(844);
    },
    TIME_LIMIT,
  );
});
