import { TestAwsError } from '../errors.ts';
import { compilePattern } from './compile-pattern.ts';
import type { BusEvent, EventRule } from './test-event-bridge.ts';

/** Longest pattern that a rule takes, in characters. @see Amazon EventBridge User Guide, "Quotas" */
const MAX_PATTERN_LENGTH = 2048;

/** Brings events to the targets of the rules that let them through. */
export class EventBus {
  readonly events: BusEvent[] = [];
  readonly #rules = new Map<
    string,
    { readonly matches: (event: unknown) => boolean; readonly target: EventRule['target'] }
  >();

  /** @throws TestAwsError `PATTERN_TOO_LONG`, `PATTERN_UNSUPPORTED` */
  putRule({ name, pattern, target }: EventRule): void {
    const length = JSON.stringify(pattern)?.length ?? 0;
    if (length > MAX_PATTERN_LENGTH) {
      const message = `the pattern of ${name} has ${length} characters: at most ${MAX_PATTERN_LENGTH}`;
      throw new TestAwsError('PATTERN_TOO_LONG', message);
    }
    this.#rules.set(name, { matches: compilePattern(pattern), target });
  }

  deliver(event: object): void {
    const copy = structuredClone(event);
    const matching = [...this.#rules].filter(([, { matches }]) => matches(copy));
    this.events.push({ event: copy, rules: matching.map(([name]) => name) });
    for (const [, { target }] of matching) target(structuredClone(copy));
  }
}
