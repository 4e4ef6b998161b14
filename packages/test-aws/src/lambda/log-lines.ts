import type { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';

/** What a process writes, in lines, until they are taken. */
export class LogLines {
  #lines: string[] = [];
  /** The last line of each stream, where it has no end yet. */
  readonly #open = new Map<Readable, string>();
  #count = 0;

  listen(stream: Readable): void {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      this.#count += 1;
      const lines = `${this.#open.get(stream) ?? ''}${text}`.split('\n');
      this.#open.set(stream, lines.pop() ?? '');
      this.#lines.push(...lines);
    });
    stream.on('error', () => {});
  }

  /** Takes what was written up to now. What lies in a pipe was written too: it is read first. */
  async take(): Promise<string[]> {
    for (let seen = -1; seen !== this.#count; ) {
      seen = this.#count;
      await turn();
      await turn();
    }
    const lines = [...this.#lines, ...[...this.#open.values()].filter((line) => line !== '')];
    this.#lines = [];
    this.#open.clear();
    return lines;
  }
}
