import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import { expect, it } from 'vitest';
import { planLayers, treeSize } from './plan-layers.ts';

const folder = temporaryFolder();

it('plans layers for Node.js, the dependencies of a directory, and this program', async () => {
  const modules = join(folder, 'project', 'node_modules');
  mkdirSync(join(modules, 'package'), { recursive: true });
  mkdirSync(join(modules, '.cache'));
  writeFileSync(join(modules, 'package', 'index.js'), 'export {};');
  writeFileSync(join(modules, '.cache', 'large'), 'x');
  const plans = await planLayers(join(folder, 'project'));
  const base = process.platform === 'linux' ? ['system libraries'] : [];
  expect(plans.map(({ title }) => title).slice(0, base.length + 1)).toEqual([...base, `Node ${process.version}`]);
  expect(plans.map(({ entries }) => treeSize(entries)).reduce((a, b) => a + b)).toBeGreaterThan(50e6);
  const dependencies = plans.find(({ title }) => title === 'dependencies');
  expect(dependencies?.entries.filter(({ kind }) => kind === 'file').map(({ name }) => name)).toEqual([
    'app/node_modules/package/index.js',
  ]);
  expect(plans.at(-1)?.entries.map(({ name }) => name)).toContain('app/package.json');
});

it.runIf(process.platform === 'linux')(
  'gives the runtime the system libraries that it needs, each file once',
  async () => {
    const [libraries] = await planLayers(folder);
    const names = libraries?.entries.map(({ name }) => name) ?? [];
    expect(new Set(names).size).toBe(names.length);
    const files = libraries?.entries.filter(({ kind }) => kind === 'file') ?? [];
    expect(files.map(({ name }) => name)).toContainEqual(expect.stringMatching(/\/libc\.so\.6$|ld-musl/));
    for (const { name } of files)
      expect(names.indexOf(name)).toBeGreaterThan(names.indexOf(name.replace(/\/[^/]*$/, '')));
  },
);
