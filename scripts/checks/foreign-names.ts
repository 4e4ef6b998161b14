// The repository stands alone: no file names a folder of somebody's machine or the host of a package registry.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { report } from '../report.ts';
import { listFiles, ROOT } from '../workspace/packages.ts';

/** Each pattern is written so that it does not match itself. */
const FORBIDDEN: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: 'a folder of a machine', pattern: /(?<![\w.}/-])\/(?:work|tmp\/w|root|Users|home\/\w+)\/[\w.-]+/ },
  { what: 'a folder beside the repository', pattern: /\.\.\/shared\b/ },
  {
    what: 'the host of a package registry',
    pattern:
      /registry\.(?:npmjs|yarnpkg)\.\w+|npm\.pkg\.github\.\w+|pypi\.(?:org|io)|files\.pythonhosted|(?:proxy|sum)\.golang\.\w+/,
  },
];

report('no machine paths and registry hosts', listFiles('').flatMap(problemsOf));

function problemsOf(path: string): string[] {
  const bytes = readFileSync(join(ROOT, path));
  if (bytes.includes(0)) return [];
  const lines = bytes.toString('utf8').split('\n');
  return lines.flatMap((line, i) =>
    FORBIDDEN.filter(({ pattern }) => pattern.test(line)).map(({ what }) => `${path}:${i + 1} names ${what}`),
  );
}
