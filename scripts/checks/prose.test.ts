import { expect, it } from 'vitest';
import { findPhrases } from './prose.ts';

it('finds a phrase in a paragraph, over a line break and in a list', async () => {
  const text = '# Title\n\nA layer of\nours is read.\n\n- `x`: the file is\n  there already\n';
  expect(await findPhrases('docs/page.md', text)).toEqual([
    'docs/page.md:3: "of ours": write "our" or "your"',
    'docs/page.md:6: "is there": write "exists"',
  ]);
});

it('reads no code: not in Markdown, not in sources', async () => {
  expect(await findPhrases('page.md', 'Set `mend it anew`.\n\n```sh\nmend it anew\n```\n')).toEqual([]);
  expect(await findPhrases('page.ts', 'const mend = anew(beside);\n')).toEqual([]);
});

it('finds a phrase over the lines of a comment', async () => {
  const text = '/**\n * The file is\n * there.\n */\n// A sum of\n// ours.\n';
  expect(await findPhrases('page.ts', text)).toEqual([
    'page.ts:2: "is there": write "exists"',
    'page.ts:5: "of ours": write "our" or "your"',
  ]);
});

it('accepts the same words where they mean a place or a question', async () => {
  const text = 'The index says where each file lies, and where it is stored. Is there a difference? No one knows.\n';
  expect(await findPhrases('page.md', text)).toEqual([]);
});
