// `node scripts/format-markdown.mjs [--check] [FILE...]`: wraps Markdown at 100 columns with prettier, the files of the
// repository by default. Tables keep one space around a cell: prettier pads every row to the width of the longest.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';

/** Generated, written by changesets, or test data. */
const NOT_OURS = /(^|\/)(API|CHANGELOG)\.md$|^conformance\/golden\//;
const DELIMITER_ROW = /^\|(?: :?-{2,}:? \|)+$/;
const OPTIONS = { parser: 'markdown', printWidth: 100, proseWrap: 'always', embeddedLanguageFormatting: 'off' };

/** Returns `text` as the repository keeps Markdown. */
export async function formatMarkdown(text) {
  const parts = (await format(text, OPTIONS)).split(/(^ *```.*?^ *```$)/ms);
  return parts.map((part) => (part.trimStart().startsWith('```') ? part : compactTables(part))).join('');
}

function compactTables(text) {
  return text.replaceAll(/^\|.*\|$/gm, (row) => {
    const compact = row.replaceAll(/(?<!\\)\| +/g, '| ').replaceAll(/ +(?=\|)/g, ' ');
    return DELIMITER_ROW.test(compact) ? compact.replaceAll(/ (:?)-+(:?) (?=\|)/g, '$1---$2') : compact;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const words = process.argv.slice(2);
  const isCheck = words.includes('--check');
  const named = words.filter((word) => word !== '--check');
  const listed = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
    encoding: 'utf8',
  });
  const files =
    named.length > 0 ? named : listed.stdout.split('\n').filter((file) => file !== '' && !NOT_OURS.test(file));
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    const formatted = await formatMarkdown(text);
    if (formatted === text) continue;
    if (isCheck) {
      console.log(`${file}: not formatted. Run "npm run format".`);
      process.exitCode = 1;
    } else {
      writeFileSync(file, formatted);
    }
  }
}
