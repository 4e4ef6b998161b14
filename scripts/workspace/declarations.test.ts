import { describe, expect, it } from 'vitest';
import { parseExports } from './declarations.ts';

const declared = (text: string) => parseExports('sample.ts', text).declarations;

describe('parseExports', () => {
  it('gives each exported declaration with the comment right before it', () => {
    const text =
      '/** One. */\nexport const one = 1;\n\n/** Of nothing. */\n\nconst two = 2;\nexport function three() {}\n';
    expect(declared(text).map(({ name, doc }) => [name, doc])).toEqual([
      ['one', '* One. '],
      ['three', null],
    ]);
  });

  it('does not take a plain comment for documentation', () => {
    expect(declared('/* One. */\nexport const one = 1;\n')[0]?.doc).toBeNull();
  });

  it("tells an interface's methods, numbers and optional members", () => {
    const text = 'export interface A { readonly size: number; name?: string; read(at: number): void }\n';
    expect(declared(text)[0]?.members).toEqual([
      { name: 'size', doc: null, isOptional: false, isMethod: false, isNumber: true },
      { name: 'name', doc: null, isOptional: true, isMethod: false, isNumber: false },
      { name: 'read', doc: null, isOptional: false, isMethod: true, isNumber: false },
    ]);
  });

  it("leaves out a class's constructor, private names and what overrides", () => {
    const text = 'export class A extends B { #x = 1; constructor() { super(); } override y() {} z() {} }\n';
    expect(declared(text)[0]?.members.map(({ name }) => name)).toEqual(['z']);
  });

  it('tells where a forwarded name comes from', () => {
    const { declarations, forwarded } = parseExports('src/index.ts', "export { a, type B } from './a.ts';\n");
    expect(declarations).toEqual([]);
    expect([...forwarded]).toEqual([
      ['a', 'src/a.ts'],
      ['B', 'src/a.ts'],
    ]);
  });
});
