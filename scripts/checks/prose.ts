// Plain English, by the rules of scripts/prose: in documents, comments, messages and the names of tests.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { TextlintKernel } from '@textlint/kernel';
import type { TextlintRuleModule } from '@textlint/types';
import { PROSE_RULES } from '../prose/rules.ts';
import { sourceText } from '../prose/source-text.ts';
import { type Finding, listFiles, ROOT } from '../workspace/packages.ts';

/** A CommonJS module whose default export Node and vite see differently. */
const require = createRequire(import.meta.url);
const { default: markdown } = require('@textlint/textlint-plugin-markdown');
const ENDINGS = ['.md', '.ts', '.mjs'];
/** Files that are generated, written by changesets, test data or not TypeScript, and the rules themselves. */
const NOT_OURS = /(^|\/)(API|CHANGELOG)\.md$|\.generated\.ts$|\/golden\/|\/assembly\/|^scripts\/prose\//;

/** Checks that no text contains a phrase that {@link PROSE_RULES} lists. */
export async function prose(): Promise<Finding[]> {
  const files = listFiles('.', ENDINGS).filter((path) => !NOT_OURS.test(path));
  const problems: string[] = [];
  for (const file of files) problems.push(...(await findPhrases(file, readFileSync(join(ROOT, file), 'utf8'))));
  return [{ subject: `plain English in ${files.length} files`, problems }];
}

/** Returns the listed phrases in a text, one per line: `path:line: "phrase": write ...`. */
export async function findPhrases(path: string, text: string): Promise<string[]> {
  const { messages } = await new TextlintKernel().lintText(text, {
    ext: extname(path),
    filePath: path,
    plugins: [
      { pluginId: 'markdown', plugin: markdown },
      { pluginId: 'source-text', plugin: sourceText },
    ],
    rules: [{ ruleId: 'phrases', rule: phrases }],
  });
  return messages.map(({ line, message }) => `${path}:${line}: ${message}`);
}

/** A space of a phrase matches a line break of the text too. */
const RULES = PROSE_RULES.map(({ phrase, instead }) => ({
  phrase: new RegExp(phrase.source.replaceAll(' ', ' +'), phrase.flags),
  instead,
}));

const phrases: TextlintRuleModule = ({ Syntax, RuleError, getSource, locator, report }) => ({
  [Syntax.Str](node) {
    const text = joinLines(getSource(node));
    for (const { phrase, instead } of RULES) {
      const match = phrase.exec(text);
      if (match === null) continue;
      const words = match[0].trim().replaceAll(/ +/g, ' ');
      report(node, new RuleError(`"${words}": write ${instead}`, { padding: locator.at(match.index) }));
    }
  },
});

/** Turns each line break, and what begins the next line of a comment or quotation, into spaces of the same length. */
function joinLines(text: string): string {
  return text.replaceAll(/\n[ \t]*(\*(?!\/)|\/\/|>)?/g, (gap) => ' '.repeat(gap.length));
}
