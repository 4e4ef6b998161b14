import { describe, expect, it } from 'vitest';
import { commandProblems } from './commands.ts';

describe('commandProblems', () => {
  it.each([
    'Run `npm run bench -- --rounds 9`, then `npm start`.',
    'pnpm packs the manifest',
    '`npx -y pnpm@12.21.0 install`',
    'The lockfile is pnpm-lock.yaml, and its catalog is in pnpm-workspace.yaml.',
  ])('accepts %j', (line) => {
    expect(commandProblems(line, ['bench'])).toEqual([]);
  });

  it.each([
    ['npx pnpm bench', 'runs pnpm directly'],
    ['`pnpm --filter stack package DIR`', 'runs pnpm directly'],
    ['npm run benchmark', 'runs the script benchmark, which package.json does not have'],
  ])('rejects %j', (line, problem) => {
    expect(commandProblems(line, ['bench'])).toEqual([expect.stringContaining(problem)]);
  });
});
