import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { type Finding, listFiles, ROOT } from '../workspace/packages.ts';

/** Test data, and change logs, whose links refer to files of earlier versions. */
const NOT_OURS = /(^|\/)CHANGELOG\.md$|^conformance\/golden\//;

/** Checks that the file, folder or heading of every relative link in a document exists. */
export function links(): Finding[] {
  const files = listFiles('.', ['.md']).filter((path) => !NOT_OURS.test(path));
  const problems = files.flatMap((path) => brokenLinks(path, readFileSync(join(ROOT, path), 'utf8')));
  return [{ subject: `links of ${files.length} documents`, problems }];
}

/** Returns the broken relative links of `text`, the content of the document `path`, one per line. */
export function brokenLinks(path: string, text: string): string[] {
  const prose = withoutCode(text);
  const targets = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*(\S+)/gm)].map(
    (match) => match[1] ?? match[2] ?? '',
  );
  return targets.flatMap((target) => {
    if (/^[a-z][a-z+.-]*:/i.test(target)) return [];
    const [file = '', anchor] = decodeURI(target).split('#');
    const found = file === '' ? path : normalize(join(dirname(path), file));
    if (file !== '' && !existsSync(join(ROOT, found))) return [`${path}: ${target}: no such file`];
    if (anchor === undefined || !found.endsWith('.md')) return [];
    const content = file === '' ? text : readFileSync(join(ROOT, found), 'utf8');
    return anchorsOf(content).has(anchor) ? [] : [`${path}: ${target}: ${found} has no such heading`];
  });
}

/** Returns the anchors of the headings as GitHub writes them: lower case, without punctuation, numbered if they repeat. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of text.replaceAll(/^```.*?^```$/gms, '').matchAll(/^#+ +(.+?) *#*$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const base = plain.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-');
    let anchor = base;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${base}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

function withoutCode(text: string): string {
  return text.replaceAll(/^ *```.*?^ *```$/gms, '').replaceAll(/`[^`\n]*`/g, '');
}
