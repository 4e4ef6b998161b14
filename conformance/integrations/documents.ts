import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './ci-machine.ts';

/**
 * Returns the first example below a heading of a document.
 *
 * @param language - What the code block is marked with, such as `sh`.
 * @throws Error if the document has no such example.
 */
export function exampleBelow(document: string, heading: string, language: string): string {
  const text = readFileSync(join(ROOT, document), 'utf8');
  const section = text.split(/^(?=#{1,6} )/m).find((part) => part.split('\n')[0].replace(/^#+ /, '') === heading);
  const [, code] = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'm').exec(section ?? '') ?? [];
  if (code === undefined) throw new Error(`${document} has no ${language} example below "${heading}"`);
  return code;
}
