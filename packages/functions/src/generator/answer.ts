import type { Outcome } from './outcome.ts';

/** What the generator returns. */
export type GeneratorAnswer = Outcome & {
  /** 200: indexed, or nothing to do; 400: the event is none that is taken; 422: the image gets no index. */
  readonly statusCode: 200 | 400 | 422;
  /** What came of it, for people. */
  readonly body: string;
  /** Of the event; absent where it is none. */
  readonly repository?: string;
  readonly tag?: string;
  readonly digest?: string;
  /** Wall time, in seconds. */
  readonly seconds: number;
};
