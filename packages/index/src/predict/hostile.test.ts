import { Random } from '@soci/test-content';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeElf } from './fixtures/elf-file.ts';
import { type Files, openFiles } from './fixtures/predict-files.ts';
import { predictProfile } from './predict-profile.ts';

const SEED = 20261129;
/** Number of mutated files in one image. */
const BATCH = 100;
const BATCHES = 10;

const ELF = makeElf({
  interpreter: '/lib64/ld-linux-x86-64.so.2',
  needed: ['libc.so.6', 'liba.so'],
  runpath: '$ORIGIN/../lib:/opt',
  sections: [
    { name: '.text', size: 600, isExecutable: true },
    { name: '.eh_frame', size: 600 },
  ],
});

/** Files that the mutated ones refer to. */
const BASE: Files = {
  'bin/sh': makeElf(),
  'bin/env': makeElf(),
  'bin/node': makeElf(),
  'bin/python3.11': makeElf(),
  'bin/ruby': makeElf(),
  'lib64/ld-linux-x86-64.so.2': makeElf(),
  'lib/libc.so.6': ELF,
  'lib/liba.so': makeElf({ needed: ['libc.so.6'] }),
  'lib/python3.11/os.py': 'import abc\n',
  'lib/python3.11/encodings/__init__.py': '',
  'lib/ruby/3.3.0/set.rb': 'require "set"\n',
  'app/a.py': 'import b\n',
  'app/b/__init__.py': 'from . import c\n',
  'app/b/c.py': 'import a\n',
  'app/a.js': 'require("b")\n',
  'app/node_modules/b/package.json': '{"main":"c"}',
  'app/node_modules/b/c.js': 'require("../../a")\n',
};

const PYTHON = `#!/usr/bin/env python3.11
"""Doc"""
import a, b.c as d
from . import x
from b import (
  c, e)
try:
    import json
except ImportError:
    json = None
def f():
    import z
if __name__ == '__main__':
    __import__('b.c')
`;

const SCRIPT = `#!/bin/sh -e
# comment
set -- "$@" 'x y' \${A:-b}
if [ "$1" = '' ]; then exec env A=1 node a.js; fi
f() { node; }
cat <<'END'
text
END
. ./a.sh; sh -c "node a.js" && exec "$@"
`;

const JAVASCRIPT = `#!/bin/env node
'use strict';
import x, { y } from "b";
export * from './a.js';
const z = require('b/c'), re = /["']/g; // require("no")
(function () { require(\`b\`) })();
const f = () => { require("q") };
`;

const PACKAGE = JSON.stringify({
  name: 'm',
  main: './c.js',
  exports: { '.': { import: './a.mjs', default: ['./c.js'] }, './*': './x/*.js' },
  imports: { '#x': './c.js' },
});

const PTH = '/app\nimport a; a.b()\n# x\n';

/** The file that is mutated, what it is in an image, and a command that reads it. */
const SUBJECTS: Readonly<
  Record<string, { content: string | Uint8Array; path: (n: number) => string; command: (n: number) => string[] }>
> = {
  'an ELF file': { content: ELF, path: (n) => `app/bin${n}`, command: (n) => [`/app/bin${n}`] },
  'a Python module': { content: PYTHON, path: (n) => `app/m${n}.py`, command: (n) => ['python3.11', `m${n}.py`] },
  'a shell script': { content: SCRIPT, path: (n) => `app/s${n}`, command: (n) => [`/app/s${n}`, 'node', 'a.js'] },
  'a JavaScript module': { content: JAVASCRIPT, path: (n) => `app/j${n}.js`, command: (n) => ['node', `j${n}`] },
  'a package.json': {
    content: PACKAGE,
    path: (n) => `app/node_modules/m${n}/package.json`,
    command: (n) => ['node', '-e', `require("m${n}"); import "m${n}/y"`],
  },
  'a .pth file': {
    content: PTH,
    path: (n) => `v${n}/lib/python3.11/site-packages/x.pth`,
    command: (n) => ['python3.11', '-c', `import a${n}`],
  },
};

/** Changes a few bytes, removes or repeats a part, or inserts numbers that are hard to handle. */
function mutate(content: Uint8Array, random: Random): Uint8Array {
  let bytes = Buffer.from(content);
  for (let changes = random.between(1, 6); changes > 0 && bytes.length > 0; changes--) {
    // The start has most of the structure.
    const at = random.magnitude(0, bytes.length - 1);
    const length = random.magnitude(1, 64);
    const kind = random.below(5);
    if (kind === 0) bytes[at] = random.below(256);
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
    else if (kind === 3)
      bytes.fill(random.chance(0.5) ? 0xff : 0, at, Math.min(at + random.between(1, 8), bytes.length));
    else bytes = bytes.subarray(0, random.below(bytes.length));
  }
  return bytes;
}

describe.each(Object.entries(SUBJECTS))('%s with random changes', (_, { content, path, command }) => {
  it('gives a profile within the limits', async () => {
    for (let batch = 0; batch < BATCHES; batch++) {
      const random = new Random(SEED, batch);
      const mutated = Array.from({ length: BATCH }, (_, n) => [path(n), mutate(Buffer.from(content), random)] as const);
      const image = await openFiles(BASE, Object.fromEntries(mutated));
      for (let n = 0; n < BATCH; n++) {
        const config = { Cmd: command(n), Env: ['PATH=/bin', `PYTHONHOME=`, `HOME=/v${n}`], WorkingDir: '/app' };
        const { files, reachedLimits } = await predictProfile(image, config, {
          limits: { maxFiles: 30, maxDepth: 10 },
        });
        expect(files.length).toBeLessThanOrEqual(30);
        for (const file of files) {
          const ends = file.ranges?.map(({ offset, length }) => offset + length) ?? [];
          for (const end of ends) expect(end).toBeLessThanOrEqual(file.size);
          for (const range of file.ranges ?? []) expect(range.length).toBeGreaterThan(0);
        }
        expect(reachedLimits).not.toContain('time');
      }
    }
  });
});

describe('text of any kind', () => {
  const image = (content: string) =>
    openFiles(BASE, { 'app/x.py': content, 'app/x.js': content, 'app/x.rb': content, 'app/x.sh': content });
  const COMMANDS = [
    ['python3.11', 'x.py'],
    ['node', 'x.js'],
    ['ruby', 'x.rb'],
    ['sh', 'x.sh'],
    ['/app/x.sh'],
    ['sh', '-c'],
  ];

  it('is scanned without an error', async () => {
    const tokens = fc.constantFrom(
      ...'import|from|require|(|)|{|}|[|]|"|\'|`|${|"""|\\|/|/*|*/|#|\n|\r|  |.|;|,|<<|exec|env|&|@|$|=|a|é|\0'.split(
        '|',
      ),
    );
    const texts = fc.oneof(
      fc.array(tokens, { maxLength: 60 }).map((each) => each.join('')),
      fc.string({ unit: 'binary' }),
    );
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const files = await image(text);
        for (const command of COMMANDS) {
          const Cmd = command.length === 2 && command[1] === '-c' ? [...command, text] : command;
          await predictProfile(files, { Cmd, Env: ['PATH=/bin', `A=${text}`], WorkingDir: '/app' });
        }
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it.each([
    ['spaces', ' '.repeat(500_000)],
    ['an import of spaces', `from${' '.repeat(500_000)}x`],
    ['an import without an end', `import ${'a.'.repeat(200_000)}`],
    ['names', 'a'.repeat(500_000)],
    ['commas', `from x import ${'a,'.repeat(200_000)}`],
    ['brackets', '(['.repeat(200_000)],
    ['empty lines in brackets', `(\n${' \n'.repeat(200_000)}#`],
    ['lines that end twice', `(${'\r\n'.repeat(200_000)}`],
    ['strings and line breaks in brackets', `(${'"a b",\n\n  '.repeat(50_000)}`],
    ['templates', '`${'.repeat(100_000)],
    ['quotes', '\'"'.repeat(200_000)],
    ['backslashes', '\\\n'.repeat(200_000)],
    ['here-documents', 'cat <<a\n'.repeat(50_000)],
    ['variables', '$A${A}'.repeat(50_000)],
    ['slashes', '/ '.repeat(200_000)],
    ['comments', '/*'.repeat(200_000)],
    ['blocks', 'if x:\n'.repeat(80_000)],
    ['keywords before a colon', `with ${'with '.repeat(100_000)}`],
    ['calls', '__import__('.repeat(50_000)],
    ['names in strings', `"${'a.'.repeat(200_000)}"`],
    ['strings of names', '"a.b",'.repeat(80_000)],
    ['other strings of names', Array.from({ length: 40_000 }, (_, n) => `'a${n}.b.c.d:x'`).join()],
    ['methods', 'def x\n'.repeat(80_000)],
    ['a require of spaces', `require${' '.repeat(500_000)}`],
    ['ends on one line', `def ${'end '.repeat(100_000)}x`],
  ])('takes little time: %s', async (_, content) => {
    const files = await image(content);
    const started = performance.now();
    for (const Cmd of COMMANDS) {
      await predictProfile(files, { Cmd, Env: ['PATH=/bin', 'A=$A $A $A'], WorkingDir: '/app' });
    }
    // About 0.3 s. Work that grows with the square of the length takes minutes.
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe('hostile files', () => {
  const predict = async (files: Files, Cmd: string[], Env: string[] = []) =>
    predictProfile(await openFiles(files), { Cmd, Env: ['PATH=/bin', ...Env] });
  const paths = async (...args: Parameters<typeof predict>) => (await predict(...args)).files.map(({ path }) => path);

  it('may need each other', async () => {
    const files = {
      'bin/a': makeElf({ needed: ['b.so', 'a'] }),
      'lib/b.so': makeElf({ needed: ['b.so', 'c.so'] }),
      'lib/c.so': makeElf({ needed: ['b.so'] }),
    };
    expect(await paths(files, ['a'])).toEqual(['/bin/a', '/lib/b.so', '/lib/c.so']);
  });

  it('may be their own interpreter', async () => {
    expect(await paths({ 'bin/a': makeElf({ interpreter: '/bin/a' }) }, ['a'])).toEqual(['/bin/a']);
  });

  it('may have links that form a loop, anywhere', async () => {
    const files = {
      'bin/a': makeElf({ interpreter: '/loop/ld.so', needed: ['x.so', 'loop/y.so'], runpath: '/loop' }),
      loop: '-> loop2',
      loop2: '-> loop/..',
      'etc/ld.so.conf': 'include /loop/*\ninclude /etc/ld.so.conf\n',
      'lib/x.so': '-> ../../lib/x.so',
    };
    expect(await paths(files, ['a'])).toEqual(['/bin/a']);
  });

  it('may name paths that are too long, or with null characters', async () => {
    const long = '/x'.repeat(5000);
    const library = 'l'.repeat(600);
    const files = {
      'bin/a': makeElf({ interpreter: `/${library}`, needed: [`${library}/x`, library], runpath: `/${library}` }),
      'bin/b': `#!${long}\n`,
    };
    expect(await paths(files, ['a'])).toEqual(['/bin/a']);
    expect(await paths(files, ['b'])).toEqual(['/bin/b']);
    expect(await paths(files, ['a\0b', long], [`LD_LIBRARY_PATH=${long}`, '=', 'X'])).toEqual([]);
    expect(await paths(files, ['a'], [`PATH=${'/x:'.repeat(50_000)}/bin`])).toEqual([]);
  });

  it.each([
    'def f():\n  (#a\n"b" ',
    'def f():\n  ("b" ',
    'def f():\n  (\n)',
    'def f():\n  ([{"a", }])',
    'def f():\n  """a" "" ',
    'def f():\n  x = "\\a',
    'def f():\n  a \\\n',
    'def f():\n (((((1)))))\n',
    'a (b, "c") ',
    'from a.b. ',
  ])('may repeat Python without an end: %j', async (source) => {
    const repeated = source.slice(source.indexOf('\n') + 1 || 0);
    const files = {
      ...BASE,
      'app/x.py': source + repeated.repeat((256 << 10) / repeated.length),
      'app/y.py': 'import x',
    };
    expect(await paths(files, ['python3.11', '/app/y.py'])).toContain('/app/x.py');
  });

  it('may import each other, and themselves', async () => {
    const files = { ...BASE, 'app/x.py': 'import x, y', 'app/y.py': 'from x import y\nfrom y import y' };
    expect(await paths(files, ['python3.11', '/app/x.py'])).toEqual(expect.arrayContaining(['/app/x.py', '/app/y.py']));
  });
});
