// A textlint plugin for TypeScript and JavaScript: the running text of a source file is its comments and messages.
import type { TextlintPluginCreator } from '@textlint/types';
import { parseSync } from 'vite';

type Range = readonly [start: number, end: number];

/** Comments and messages become the paragraphs of the document that textlint sees. */
export const sourceText: TextlintPluginCreator = {
  Processor: class {
    availableExtensions(): string[] {
      return ['.ts', '.mjs', '.js', '.cjs'];
    }

    processor() {
      return {
        preProcess(text: string, path = 'source.ts') {
          const locate = locator(text);
          const paragraphs = textRanges(path, text).map((range) => {
            const place = {
              range: [...range] as [number, number],
              loc: { start: locate(range[0]), end: locate(range[1]) },
            };
            const raw = text.slice(...range);
            return { type: 'Paragraph', ...place, raw, children: [{ type: 'Str', ...place, raw, value: raw }] };
          });
          const whole = { range: [0, text.length], loc: { start: locate(0), end: locate(text.length) } };
          return { type: 'Document', ...whole, raw: text, children: paragraphs } as never;
        },
        postProcess: (messages: never[], filePath = '') => ({ messages, filePath }),
      };
    }
  },
};

/** Returns the ranges of comments and of strings of at least three words. Adjacent line comments form one range. */
export function textRanges(path: string, text: string): Range[] {
  const { program, comments, errors } = parseSync(path, text, { astType: 'ts' });
  if (errors[0]) throw new Error(`${path}: ${errors[0].message}`);
  const ranges: Range[] = [];
  for (const { type, start, end } of comments) {
    const last = ranges.at(-1);
    if (type === 'Line' && last !== undefined && /^\n[ \t]*$/.test(text.slice(last[1], start)))
      ranges.splice(-1, 1, [last[0], end]);
    else ranges.push([start, end]);
  }
  // The strings of a test are its data; only the names of tests are text.
  walk(program, path.endsWith('.test.ts') ? testName : message, (range) => ranges.push(range));
  return ranges.sort(([a], [b]) => a - b);
}

/** Returns a function that converts an offset to a line and column, both counted as in textlint. */
function locator(text: string): (offset: number) => { readonly line: number; readonly column: number } {
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  return (offset) => {
    const line = starts.findLastIndex((start) => start <= offset);
    return { line: line + 1, column: offset - (starts[line] ?? 0) };
  };
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly value?: unknown;
  readonly callee?: Node;
  readonly arguments?: readonly Node[];
  readonly name?: string;
  readonly object?: Node;
}

function walk(node: unknown, find: (node: Node) => Node | undefined, add: (range: Range) => void): void {
  if (node === null || typeof node !== 'object') return;
  const found = 'type' in node ? find(node as Node) : undefined;
  if (found !== undefined) add([found.start, found.end]);
  for (const child of Object.values(node)) walk(child, find, add);
}

/** Returns the name of a test: the first argument of `it`, `it.each(...)`, `describe` and similar calls. */
function testName({ type, callee, arguments: args }: Node): Node | undefined {
  if (type !== 'CallExpression') return undefined;
  let called = callee;
  while (called !== undefined && called.name === undefined) called = called.object ?? called.callee;
  return /^(it|test|describe)$/.test(called?.name ?? '') && args?.[0] !== undefined && message(args[0])
    ? args[0]
    : undefined;
}

/** Returns `node` if it is a string, or a part of a template, of at least three words. */
function message(node: Node): Node | undefined {
  const { type, value } = node;
  const content = type === 'TemplateElement' ? (value as { readonly cooked: string }).cooked : value;
  if (!/^(Literal|TemplateElement)$/.test(type) || typeof content !== 'string') return undefined;
  return /\S \S+ \S/.test(content) ? node : undefined;
}
