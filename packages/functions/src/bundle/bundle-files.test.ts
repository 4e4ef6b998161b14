import { expect, it } from 'vitest';
import { nameChunks } from './bundle-files.ts';

/** Returns two chunks that import each other, one that both entries import, and an unused one, with the given names. */
function bundle([a, b, shared, unused]: readonly [string, string, string, string]): Map<string, Uint8Array> {
  const texts = {
    'index.js': `import("./chunk-${a}.js");import"./chunk-${shared}.js";`,
    'worker.js': `import"./chunk-${shared}.js";`,
    [`chunk-${a}.js`]: `import"./chunk-${b}.js";console.log("a")`,
    [`chunk-${b}.js`]: `import("./chunk-${a}.js");console.log("b")`,
    [`chunk-${shared}.js`]: 'console.log("shared")',
    [`chunk-${unused}.js`]: 'console.log("unused")',
  };
  return new Map(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text)]));
}

const textsOf = (files: ReadonlyMap<string, Uint8Array>) =>
  Object.fromEntries([...files].map(([name, content]) => [name, Buffer.from(content).toString()]));

it('names chunks by their contents and removes unused chunks', () => {
  const { names, files } = nameChunks(bundle(['AAAAAAAA', 'BBBBBBBB', 'CCCCCCCC', 'DDDDDDDD']));
  const other = nameChunks(bundle(['22222222', 'AAAAAAAA', '44444444', '33333333']));
  expect(textsOf(other.files)).toEqual(textsOf(files));
  expect([...names.keys()].sort()).toEqual(['chunk-AAAAAAAA', 'chunk-BBBBBBBB', 'chunk-CCCCCCCC']);
  const [a, b, shared] = ['AAAAAAAA', 'BBBBBBBB', 'CCCCCCCC'].map((name) => names.get(`chunk-${name}`));
  expect(textsOf(files)).toEqual({
    'index.js': `import("./${a}.js");import"./${shared}.js";`,
    'worker.js': `import"./${shared}.js";`,
    [`${a}.js`]: `import"./${b}.js";console.log("a")`,
    [`${b}.js`]: `import("./${a}.js");console.log("b")`,
    [`${shared}.js`]: 'console.log("shared")',
  });
});

it('renames a chunk if an imported chunk has changed', () => {
  const files = bundle(['AAAAAAAA', 'BBBBBBBB', 'CCCCCCCC', 'DDDDDDDD']);
  const before = nameChunks(files).names;
  const after = nameChunks(new Map([...files, ['chunk-BBBBBBBB.js', Buffer.from('console.log("changed")')]])).names;
  expect(after.get('chunk-AAAAAAAA')).not.toBe(before.get('chunk-AAAAAAAA'));
  expect(after.get('chunk-CCCCCCCC')).toBe(before.get('chunk-CCCCCCCC'));
});
