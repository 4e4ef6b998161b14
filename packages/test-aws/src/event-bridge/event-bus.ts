import { TestAwsError } from '../errors.ts';
import { compilePattern } from './event-pattern.ts';

/** Options of a test EventBridge. */
export interface TestEventBridgeOptions {
  /** Account id of the bus. @default '123456789012' */
  readonly account?: string;
  /** Region of the bus. @default 'us-east-1' */
  readonly region?: string;
}

/** Rule of the event bus. */
export interface EventRule {
  /** Name. A rule with the same name is replaced. */
  readonly name: string;
  /** Event pattern, see `matchesEventPattern`. At most 2,048 characters as JSON. */
  readonly pattern: unknown;
  /** Called immediately with each matching event. */
  readonly target: (event: object) => void;
}

/** An event that the bus received. */
export interface BusEvent {
  readonly event: object;
  /** Names of the matching rules. */
  readonly rules: readonly string[];
}

/** A running test EventBridge with the default bus. */
export interface TestEventBridge {
  /** URL of the API, for `endpoint` of an `EventBridgeClient` or for `AWS_ENDPOINT_URL_EVENTBRIDGE`. Plain HTTP. */
  readonly endpoint: string;
  /** All received events, in order. */
  readonly events: readonly BusEvent[];

  /** Creates or replaces a rule. @throws TestAwsError `PATTERN_TOO_LONG`, `PATTERN_UNSUPPORTED` */
  putRule(rule: EventRule): void;
  /** Puts a complete event on the bus, like an AWS service. Any `source` is allowed. */
  deliver(event: object): void;
  /** Stops the server. */
  stop(): Promise<void>;
}

/** Maximum length of a pattern, in characters. @see Amazon EventBridge User Guide, "Quotas" */
const MAX_PATTERN_LENGTH = 2048;

/** Sends events to the targets of the matching rules. */
export class EventBus {
  readonly events: BusEvent[] = [];
  readonly #rules = new Map<string, Pick<EventRule, 'target'> & { matches: (event: unknown) => boolean }>();

  /** @throws TestAwsError `PATTERN_TOO_LONG`, `PATTERN_UNSUPPORTED` */
  putRule({ name, pattern, target }: EventRule): void {
    const length = JSON.stringify(pattern)?.length ?? 0;
    if (length > MAX_PATTERN_LENGTH) {
      const message = `the pattern of rule ${name} has ${length} characters: the maximum is ${MAX_PATTERN_LENGTH}`;
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
