/** What the filtering function returns. */
export interface FilterAnswer {
  /** 200: the generator was invoked, or there is nothing to do; 400: the event is none that is taken. */
  readonly statusCode: 200 | 400;
  /** What was done, or not, and why: for people. */
  readonly body: string;
}
