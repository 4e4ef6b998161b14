import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BundledPackage, listBundledPackages } from './bundled-packages.ts';
import { formatNotices } from './notices.ts';
import { formatSbom } from './sbom.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'soci-bundle-report-'));
});
afterAll(() => rmSync(root, { recursive: true }));

/** Writes an installed package, and returns the path of a module of it. */
function install(manifest: { readonly name: string; readonly license?: unknown }, files: Record<string, string> = {}) {
  const folder = join(root, 'node_modules', manifest.name);
  mkdirSync(join(folder, 'dist'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ version: '1.0.0', ...manifest }));
  writeFileSync(join(folder, 'dist', 'package.json'), '{"type":"module"}');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return join(folder, 'dist', 'index.js');
}

function metafileOf(inputs: Record<string, number>) {
  const entries = Object.entries(inputs).map(([path, bytesInOutput]) => [path, { bytesInOutput }] as const);
  return { outputs: { 'dist/index.js': { inputs: Object.fromEntries(entries) } } };
}

describe('the packages of a bundle', () => {
  it('are those with bytes in the output, each once', () => {
    const used = install({ name: '@scope/used', license: 'MIT' }, { LICENSE: 'Text of MIT\r\n' });
    const removed = install({ name: 'removed', license: 'MIT' });
    expect(listBundledPackages(metafileOf({ [used]: 10, [removed]: 0, '(disabled):fs': 5 }))).toEqual([
      { name: '@scope/used', version: '1.0.0', license: 'MIT', texts: ['Text of MIT'], isOwn: false },
    ]);
  });

  it('are those of the files that are shipped', () => {
    const used = install({ name: 'used', license: 'MIT' });
    expect(listBundledPackages(metafileOf({ [used]: 10 }), (file) => file !== 'index.js')).toEqual([]);
  });

  it.each([
    [undefined, 'has no license'],
    ['GPL-3.0-only', 'has the license "GPL-3.0-only"'],
    [{ type: 'MIT' }, 'has the license {"type":"MIT"}'],
    ['SEE LICENSE IN LICENSE', 'has the license "SEE LICENSE IN LICENSE"'],
  ])('cannot have the license %j', (license, message) => {
    const file = install({ name: 'unlicensed', license });
    expect(() => listBundledPackages(metafileOf({ [file]: 1 }))).toThrow(
      `cannot bundle unlicensed@1.0.0: it ${message}`,
    );
  });
});

const packageOf = (name: string, license: string, ...texts: string[]): BundledPackage => ({
  name,
  version: '1.0.0',
  license,
  texts,
  isOwn: name.startsWith('@soci/'),
});

describe('notices', () => {
  it('have the text of a license once, with the packages that have it', () => {
    const text = formatNotices('product', [
      packageOf('a', 'MIT', 'MIT License, A'),
      packageOf('b', 'MIT', 'MIT License, A'),
      packageOf('c', 'MIT', 'MIT License, C'),
      packageOf('@soci/own', 'Apache-2.0'),
    ]);
    expect(text).toContain('a 1.0.0\nb 1.0.0\n\nLicense: MIT\n\nMIT License, A');
    expect(text.split('MIT License').length).toBe(3);
    expect(text).not.toContain('@soci/own');
  });

  it('have the Apache license once, and copyrights and notices of each package', () => {
    const apache =
      formatNotices('product', [packageOf('plain', 'Apache-2.0')]).split('Text of Apache-2.0:\n\n')[1] ?? '';
    const own = apache.replace('[yyyy] [name of copyright owner]', '2019 Example, Inc.').replaceAll('http:', 'https:');
    const text = formatNotices('product', [
      packageOf('a', 'Apache-2.0', own, 'Notice of a'),
      packageOf('b', 'Apache-2.0'),
    ]);
    expect(text).toContain('a 1.0.0\n\nLicense: Apache-2.0\n\nCopyright 2019 Example, Inc.\n\nNotice of a');
    expect(text.split('TERMS AND CONDITIONS FOR USE').length).toBe(2);
  });

  it('fail without the text of a license that requires it', () => {
    expect(() => formatNotices('product', [packageOf('a', 'MIT')])).toThrow(
      'no file with the text of its license, MIT',
    );
    expect(formatNotices('product', [packageOf('a', 'MIT-0')])).toContain('License: MIT-0');
  });
});

describe('an SBOM', () => {
  const packages = [packageOf('valibot', 'MIT'), packageOf('@soci/own', 'Apache-2.0')].map((each) => ({
    ...each,
    version: each.isOwn ? '0.1.0' : '1.5.0',
  }));
  const product = { name: 'function', content: Buffer.from('zip') };

  it('has purl, version, license and hash of each package', () => {
    const { components, metadata } = JSON.parse(formatSbom(product, packages));
    expect(components).toMatchObject([
      { purl: 'pkg:npm/valibot@1.5.0', version: '1.5.0', licenses: [{ license: { id: 'MIT' } }] },
      { purl: 'pkg:npm/%40soci/own@0.1.0', group: '@soci', name: 'own' },
    ]);
    expect(components[0].hashes).toEqual([{ alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) }]);
    expect(metadata.component.hashes[0].content).toMatch(/^[0-9a-f]{64}$/);
  });

  it('depends on the bundle only', () => {
    expect(formatSbom(product, packages)).toBe(formatSbom(product, packages));
    const other = formatSbom({ ...product, content: Buffer.from('other') }, packages);
    const serial = (text: string) => JSON.parse(text).serialNumber;
    expect(serial(other)).not.toBe(serial(formatSbom(product, packages)));
    expect(serial(other)).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('fails for a package that the lockfile does not have', () => {
    expect(() => formatSbom(product, [packageOf('unknown', 'MIT')])).toThrow('no hash of unknown@1.0.0');
  });
});
