import { TestAwsError } from '../errors.ts';
import { compilePattern } from './event-pattern.ts';

/** How an EventBridge for tests is. */
export interface TestEventBridgeOptions {
  /** Account that the bus belongs to. @default '123456789012' */
  readonly account?: string;
  /** Region that it is in. @default 'us-east-1' */
  readonly region?: string;
}

/** What gets which events. */
export interface EventRule {
  /** Its name; a rule of the same name is replaced. */
  readonly name: string;
  /** Which events: see `matchesEventPattern`. At most 2,048 characters as JSON. */
  readonly pattern: unknown;
  /** Called with each of them, at once. */
  readonly target: (event: object) => void;
}

/** An event that was on the bus. */
export interface BusEvent {
  readonly event: object;
  /** The names of the rules that let it through; none where it started nothing. */
  readonly rules: readonly string[];
}

/** The default bus of an EventBridge that runs. */
export interface TestEventBridge {
  /** Where its API is: the `endpoint` of an `EventBridgeClient`, or its `AWS_ENDPOINT_URL_EVENTBRIDGE`. Plain HTTP. */
  readonly endpoint: string;
  /** All events that came, in their order. */
  readonly events: readonly BusEvent[];

  /** Makes a rule. @throws TestAwsError `PATTERN_TOO_LONG`, `PATTERN_UNSUPPORTED` */
  putRule(rule: EventRule): void;
  /** Puts an event on the bus as it is, as a service of AWS does: of any source, whole. */
  deliver(event: object): void;
  /** Ends the server. */
  stop(): Promise<void>;
}

/** Longest pattern that a rule takes, in characters. @see Amazon EventBridge User Guide, "Quotas" */
const MAX_PATTERN_LENGTH = 2048;

/** Brings events to the targets of the rules that let them through. */
export class EventBus {
  readonly events: BusEvent[] = [];
  readonly #rules = new Map<string, Pick<EventRule, 'target'> & { matches: (event: unknown) => boolean }>();

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
