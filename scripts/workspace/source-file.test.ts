import { describe, expect, it } from 'vitest';
import { packageOf, parseSource } from './source-file.ts';

const importsOf = (text: string) => parseSource('sample.ts', text).imports;

describe('parseSource', () => {
  it('distinguishes type imports from imports that load a module', () => {
    const text = "import type { A } from './a.ts';\nimport { type B, c } from './b.ts';\nimport './side.ts';\n";
    expect(importsOf(text)).toEqual([
      { specifier: './a.ts', line: 1, kind: 'type', isStar: false },
      { specifier: './b.ts', line: 2, kind: 'static', isStar: false },
      { specifier: './side.ts', line: 3, kind: 'static', isStar: false },
    ]);
  });

  it('counts re-exports as imports, and marks export *', () => {
    expect(importsOf("export { a } from './a.ts';\nexport * from './b.ts';\nexport * as c from './c.ts';\n")).toEqual([
      { specifier: './a.ts', line: 1, kind: 'static', isStar: false },
      { specifier: './b.ts', line: 2, kind: 'static', isStar: true },
      { specifier: './c.ts', line: 3, kind: 'static', isStar: true },
    ]);
  });

  it('finds dynamic imports: import() and worker URLs', () => {
    const text =
      "await import('./late.ts');\nnew URL('./a.js', import.meta.url);\n" +
      `new URL(\`./b.\${extension}\`, import.meta.url);\n`;
    expect(importsOf(text).map(({ specifier, kind }) => [specifier, kind])).toEqual([
      ['./late.ts', 'dynamic'],
      ['./a.ts', 'dynamic'],
      ['./b.ts', 'dynamic'],
    ]);
  });

  it('ignores imports in comments and strings', () => {
    expect(importsOf("// import './a.ts'\nconst text = \"import './b.ts'\";\n")).toEqual([]);
  });

  it('recognizes a file that contains only re-exports', () => {
    expect(parseSource('entry.ts', "export { a } from './a.ts';\n").onlyReExports).toBe(true);
    expect(parseSource('entry.ts', "export { a } from './a.ts';\nexport const b = 1;\n").onlyReExports).toBe(false);
  });

  it('recognizes a program, which has no exports', () => {
    expect(parseSource('main.ts', "import './a.ts';\n").hasExports).toBe(false);
    expect(parseSource('a.ts', 'export type A = 1;\n').hasExports).toBe(true);
  });

  it('throws for a syntax error, with the name of the file', () => {
    expect(() => parseSource('broken.ts', 'export {')).toThrow(/^broken\.ts: /);
  });
});

describe('packageOf', () => {
  it.each([
    ['@soci/oci/layout', '@soci/oci'],
    ['@soci/oci', '@soci/oci'],
    ['fflate/browser', 'fflate'],
    ['node:fs/promises', 'node'],
  ])('returns the package of %s: %s', (specifier, name) => expect(packageOf(specifier)).toBe(name));
});
