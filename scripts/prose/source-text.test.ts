import { describe, expect, it } from 'vitest';
import { textRanges } from './source-text.ts';

/** Returns the parts of a source file that textlint checks. */
const textsOf = (path: string, source: string) => textRanges(path, source).map((range) => source.slice(...range));

describe('the text of a source file', () => {
  it('has its comments; adjacent line comments are one text', () => {
    const source = '/** Returns nothing. */\nlet a = 1; // one\n\n// two\n  // lines\nlet b = 2;\n// three\n';
    expect(textsOf('a.ts', source)).toEqual(['/** Returns nothing. */', '// one', '// two\n  // lines', '// three']);
  });

  it('has strings of three words and more, and such pieces of templates', () => {
    const source =
      'throw new Error(`cannot read the layer $' + '{digest}: $' + '{cause}`, "two words", "three whole words");';
    expect(textsOf('a.ts', source)).toEqual(['`cannot read the layer $' + '{', '"three whole words"']);
  });

  it('has of a test its name and its comments, not its data', () => {
    const source = 'it("reads a layer", () => { /* here */ expect("some data of it").toBe(1); });';
    expect(textsOf('a.test.ts', source)).toEqual(['"reads a layer"', '/* here */']);
    expect(textsOf('a.test.ts', 'it.each([["a b c d"]])("reads all %s layers", f);')).toEqual([
      '"reads all %s layers"',
    ]);
  });

  it('is an error if the file does not parse', () => {
    expect(() => textsOf('a.ts', 'let = ;')).toThrow('a.ts: ');
  });
});
