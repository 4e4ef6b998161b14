import { describe, expect, it } from 'vitest';
import { ProgressBar, plainProgress } from './progress.ts';
import { styleFor, textWidth } from './text.ts';

/** A terminal that records its output. */
function terminal(columns: number) {
  const written: string[] = [];
  return { written, isTTY: true, columns, write: (chunk: string | Uint8Array) => written.push(String(chunk)) > 0 };
}

const uncoloured = styleFor(terminal(80), { NO_COLOR: '1' });

describe('ProgressBar', () => {
  it('redraws one line in place and removes it at the end', () => {
    const sink = terminal(80);
    let now = 0;
    const bar = new ProgressBar(sink, uncoloured, () => now);
    bar.update({ done: 1, total: 4, detail: '1 of 4 layers' });
    now = 1000;
    bar.update({ done: 4, total: 4, detail: '4 of 4 layers' });
    bar.close();
    expect(sink.written).toEqual([
      '\u001b[?25l\r██████░░░░░░░░░░░░░░░░░░  25 %  1 of 4 layers\u001b[K',
      '\r████████████████████████ 100 %  4 of 4 layers\u001b[K',
      '\r\u001b[J\u001b[?25h',
    ]);
  });

  it('has a line for each item in progress, and removes lines of finished items', () => {
    const sink = terminal(60);
    let now = 0;
    const bar = new ProgressBar(sink, uncoloured, () => now);
    const items = ['a', 'b'].map((label) => ({ label, done: 1, total: 2 }));
    bar.update({ done: 2, total: 4, detail: '0 of 2', items });
    now = 1000;
    bar.update({ done: 3, total: 4, detail: '1 of 2', items: items.slice(1) });
    bar.close();
    const half = '█████████▌░░░░░░░░░  50 %';
    expect(sink.written).toEqual([
      `\u001b[?25l\r${half}  0 of 2\u001b[K\n${half}  a\u001b[K\n${half}  b\u001b[K`,
      `\r\u001b[2A██████████████▎░░░░  75 %  1 of 2\u001b[K\n${half}  b\u001b[K\u001b[J`,
      '\r\u001b[1A\u001b[J\u001b[?25h',
    ]);
  });

  it('shows at most eight items and the number of the others', () => {
    const sink = terminal(60);
    const items = Array.from({ length: 100 }, (_, i) => ({ label: String(i), done: 0, total: 1 }));
    new ProgressBar(sink, uncoloured, () => 0).update({ done: 0, total: 0, detail: 'all', items });
    const lines = sink.written.join('').split('\n');
    expect(lines).toHaveLength(10);
    expect(lines.at(-1)).toContain('and 92 more');
  });

  it('limits the frequency of redraws, and reads only the text of states that are drawn', () => {
    const sink = terminal(60);
    const bar = new ProgressBar(sink, uncoloured, () => 5);
    let details = 0;
    for (let done = 0; done < 1000; done++) {
      bar.update({
        done,
        total: 1000,
        get detail() {
          details += 1;
          return '';
        },
      });
    }
    expect({ redraws: sink.written.length, details }).toEqual({ redraws: 1, details: 1 });
  });

  it.each([120, 60, 30, 12, 3])('never wraps on a terminal of %i columns', (columns) => {
    const sink = terminal(columns);
    new ProgressBar(sink, uncoloured, () => 0).update({
      done: 5,
      total: 9,
      detail: 'node_modules/some-package.tar.gz',
    });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the bar consists of control characters
    const line = sink.written.at(-1)?.replace(/\r|\u001b\[K|\u001b\[\?25l/g, '') ?? '';
    expect(textWidth(line)).toBeLessThan(columns);
  });

  it('is drawn on a terminal without a size', () => {
    const sink = terminal(0);
    new ProgressBar(sink, uncoloured, () => 0).update({ done: 5, total: 9, detail: 'layer.tar.gz' });
    expect(sink.written.at(-1)).toContain('55 %  layer.tar.gz');
  });

  it('writes nothing if nothing was drawn', () => {
    const sink = terminal(60);
    new ProgressBar(sink, uncoloured).close();
    expect(sink.written).toEqual([]);
  });
});

describe('plainProgress', () => {
  it('writes one line per milestone, without control codes', () => {
    const sink = terminal(60);
    const progress = plainProgress(sink);
    progress.update({ done: 1, total: 2, detail: 'half' });
    progress.milestone('layer 1 of 2: indexed');
    progress.close();
    expect(sink.written).toEqual(['layer 1 of 2: indexed\n']);
  });
});

describe('styleFor', () => {
  it.each([
    ['a terminal', { isTTY: true }, {}, '\u001b[1mx\u001b[22m'],
    ['a pipe', { isTTY: false }, {}, 'x'],
    ['NO_COLOR', { isTTY: true }, { NO_COLOR: '1' }, 'x'],
    ['an empty NO_COLOR', { isTTY: true }, { NO_COLOR: '' }, '\u001b[1mx\u001b[22m'],
    ['a dumb terminal', { isTTY: true }, { TERM: 'dumb' }, 'x'],
  ])('on %s', (_, sink, env, styled) => {
    expect(styleFor({ ...sink, write: () => true }, env).bold('x')).toBe(styled);
  });
});
