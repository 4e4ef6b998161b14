import { describe, expect, it } from 'vitest';
import { parseExports } from './declarations.ts';

const declared = (text: string) => parseExports('sample.ts', text).declarations;

describe('parseExports', () => {
  it('returns each exported declaration with the comment directly before it', () => {
    const text =
      '/** One. */\nexport const one = 1;\n\n/** Of nothing. */\n\nconst two = 2;\nexport function three() {}\n';
    expect(declared(text).map(({ name, doc }) => [name, doc])).toEqual([
      ['one', '* One. '],
      ['three', null],
    ]);
  });

  it('ignores plain comments', () => {
    expect(declared('/* One. */\nexport const one = 1;\n')[0]?.doc).toBeNull();
  });

  it('finds the methods, numbers and optional members of an interface', () => {
    const text = 'export interface A { readonly size: number; name?: string; read(at: number): void }\n';
    expect(declared(text)[0]?.members).toEqual([
      { name: 'size', doc: null, isOptional: false, isMethod: false, isNumber: true },
      { name: 'name', doc: null, isOptional: true, isMethod: false, isNumber: false },
      { name: 'read', doc: null, isOptional: false, isMethod: true, isNumber: false },
    ]);
  });

  it('leaves out constructors, private names and overrides of a class', () => {
    const text = 'export class A extends B { #x = 1; constructor() { super(); } override y() {} z() {} }\n';
    expect(declared(text)[0]?.members.map(({ name }) => name)).toEqual(['z']);
  });

  it('finds the origin of a re-exported name', () => {
    const { declarations, forwarded } = parseExports('src/index.ts', "export { a, type B } from './a.ts';\n");
    expect(declarations).toEqual([]);
    expect([...forwarded]).toEqual([
      ['a', 'src/a.ts'],
      ['B', 'src/a.ts'],
    ]);
  });
});
