import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LEVELS } from './workspace/levels.ts';
import { ROOT } from './workspace/packages.ts';

const PICTURE =
  /```mermaid\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, 'docs', 'architecture.md'), 'utf8'))?.[1] ?? '';

it('docs/architecture.md shows every package that is published or deployed, and what it may import', () => {
  const nodes = [...PICTURE.matchAll(/^ {2}([\w-]+)\["\1: /gm)].map(([, name]) => `@soci/${name}`);
  const shown = Object.keys(LEVELS).filter(
    (name) => !/test-|bundle-report|stack|standalone|demo|site|conformance|bench/.test(name),
  );
  expect(nodes.sort()).toEqual(shown.sort());
  const arrows = [...PICTURE.matchAll(/^ {2}([\w-]+) --> ([\w-]+)$/gm)].map(
    ([, from, to]) => `@soci/${from} @soci/${to}`,
  );
  const allowed = shown.flatMap((name) =>
    (LEVELS[name]?.packages ?? [])
      .filter((imported) => shown.includes(imported))
      .map((imported) => `${name} ${imported}`),
  );
  expect(arrows.sort()).toEqual(allowed.sort());
});
