import { describe, expect, it } from 'vitest';
import { parseDeclarations } from './api-snapshot.ts';

describe('parseDeclarations', () => {
  it('returns declarations without comments, and groups overloads', () => {
    const text =
      'export declare function one(): void;\nexport declare function one(a: 1): void;\n' +
      '/** Of A. */\nexport interface A {\n    /** Its size. */\n    readonly size: number; // bytes\n}\n';
    expect([...parseDeclarations('dist/a.d.ts', text).declared]).toEqual([
      ['one', ['function one(): void;', 'function one(a: 1): void;']],
      ['A', ['interface A {\n  readonly size: number; \n}']],
    ]);
  });

  it('finds the origin of names, including renamed ones', () => {
    const text = "import type { A } from './a.ts';\nexport { b as c } from './b.js';\nimport { d } from 'elsewhere';\n";
    const { imported, forwarded } = parseDeclarations('dist/index.d.ts', text);
    expect([...imported]).toEqual([['A', { path: 'dist/a.d.ts', name: 'A' }]]);
    expect([...forwarded]).toEqual([['c', { path: 'dist/b.d.ts', name: 'b' }]]);
  });
});
