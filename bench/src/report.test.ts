import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, it } from 'vitest';
import { RUNTIME_SECTION, replaceSection, writeReport } from './report.ts';

const folder = temporaryFolder();

function pageWith(name: string, text: string): { readonly file: URL; readonly read: () => string } {
  const path = join(folder, name);
  writeFileSync(path, text);
  return { file: pathToFileURL(path), read: () => readFileSync(path, 'utf8') };
}

describe('the page of the benchmarks', () => {
  it('gets a new section before the notes', () => {
    const { file, read } = pageWith('new.md', '# Page\n\n## Other\n\ntext\n\n## Notes\n\nby hand\n');
    replaceSection(file, RUNTIME_SECTION, `## ${RUNTIME_SECTION}\n\nfirst`);
    expect(read()).toBe(`# Page\n\n## Other\n\ntext\n\n## ${RUNTIME_SECTION}\n\nfirst\n\n## Notes\n\nby hand\n`);
  });

  it('gets another text for a section that it has, and keeps the others', () => {
    const { file, read } = pageWith('old.md', `# Page\n\n## ${RUNTIME_SECTION}\n\nfirst\n\nmore\n\n## Other\n\ntext\n`);
    replaceSection(file, RUNTIME_SECTION, `## ${RUNTIME_SECTION}\n\nsecond`);
    expect(read()).toBe(`# Page\n\n## ${RUNTIME_SECTION}\n\nsecond\n\n## Other\n\ntext\n`);
  });

  it('keeps the section of the runtime and the notes when the other sections are written', () => {
    const { file, read } = pageWith('all.md', `# Old\n\n## ${RUNTIME_SECTION}\n\nkept\n\n## Notes\n\nby hand\n`);
    writeReport(file, '# New\n\n## Decoder\n\ntext');
    expect(read()).toBe(`# New\n\n## Decoder\n\ntext\n\n## ${RUNTIME_SECTION}\n\nkept\n\n## Notes\n\nby hand\n`);
  });
});
