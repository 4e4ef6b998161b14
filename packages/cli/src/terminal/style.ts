import type { TextSink } from '../io.ts';

/** Ways to set text apart; each gives its text unchanged where colour is not wanted. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  cyan(text: string): string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether control codes may be written: on a terminal that is not a dumb one. */
export function isInteractive(sink: TextSink, env: Environment): boolean {
  return sink.isTTY === true && env.TERM !== 'dumb';
}

/** The style for a sink: colours on a terminal, unless `NO_COLOR` is set to anything (no-color.org). */
export function styleFor(sink: TextSink, env: Environment): Style {
  const coloured = isInteractive(sink, env) && !env.NO_COLOR;
  const paint = (open: number, close: number) => (text: string) =>
    coloured && text !== '' ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    cyan: paint(36, 39),
  };
}
