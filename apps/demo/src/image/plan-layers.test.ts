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
  expect(plans[0]?.title).toBe(`Node ${process.version}`);
  expect(plans.map(({ entries }) => treeSize(entries)).reduce((a, b) => a + b)).toBeGreaterThan(50e6);
  const dependencies = plans.find(({ title }) => title === 'dependencies');
  expect(dependencies?.entries.filter(({ kind }) => kind === 'file').map(({ name }) => name)).toEqual([
    'app/node_modules/package/index.js',
  ]);
  expect(plans.at(-1)?.entries.map(({ name }) => name)).toContain('app/package.json');
});
