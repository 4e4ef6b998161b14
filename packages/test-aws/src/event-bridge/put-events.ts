import { randomUUID } from 'node:crypto';
import { isRecord, parseJson } from '../http.ts';
import type { EventBus, TestEventBridgeOptions } from './event-bus.ts';

/** Maximum number of entries in a call. @see Amazon EventBridge API Reference, "PutEvents" */
const MAX_ENTRIES = 10;

/** Maximum size of all entries in a call, in bytes. @see Amazon EventBridge User Guide, "Quotas" */
const MAX_SIZE = 1024 * 1024;

/** Size that is counted for a time, in bytes. @see "Calculating Amazon EventBridge PutEvents event entry size" */
const TIME_SIZE = 14;

/** Failure of an entry. */
type EntryFailure = { readonly ErrorCode: string; readonly ErrorMessage: string };
type Entry = Readonly<Record<string, unknown>>;

/** Account and Region of the bus. */
export type BusLocation = Required<TestEventBridgeOptions>;

/** Error for a whole call, such as `ValidationException`. */
export class EventBridgeError extends Error {
  override readonly name = 'EventBridgeError';
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/** Puts the valid entries of a call on the bus. @throws EventBridgeError */
export function putEvents(bus: EventBus, location: BusLocation, input: Entry): object {
  const results = entriesOf(input).map((entry) => {
    const failure = failureOf(entry);
    if (failure !== undefined) return failure;
    const event = eventOf(entry, location);
    bus.deliver(event);
    return { EventId: event.id };
  });
  return { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results };
}

function entriesOf({ Entries: entries }: Entry): readonly Entry[] {
  if (!Array.isArray(entries) || !entries.every(isRecord)) throw invalid('Member must be a list of entries');
  if (entries.length === 0) throw invalid('Member must have length greater than or equal to 1');
  if (entries.length > MAX_ENTRIES) throw invalid(`Member must have length less than or equal to ${MAX_ENTRIES}`);
  if (entries.reduce((sum, entry) => sum + sizeOf(entry), 0) > MAX_SIZE) {
    throw new EventBridgeError('ValidationException', 'Total size of the entries in the request is over the limit.');
  }
  return entries;
}

function invalid(constraint: string): EventBridgeError {
  const message = `1 validation error detected: Value at 'entries' failed to satisfy constraint: ${constraint}`;
  return new EventBridgeError('ValidationException', message);
}

function sizeOf({ Time, Source, DetailType, Detail, Resources }: Entry): number {
  const texts = [Source, DetailType, Detail, ...(Array.isArray(Resources) ? Resources : [])];
  const sizes = texts.map((text) => (typeof text === 'string' ? Buffer.byteLength(text) : 0));
  return sizes.reduce((sum, size) => sum + size, Time === undefined ? 0 : TIME_SIZE);
}

function failureOf(entry: Entry): EntryFailure | undefined {
  for (const name of ['Source', 'DetailType', 'Detail']) {
    if (typeof entry[name] !== 'string' || entry[name] === '') return notValid(name, `${name} is a required argument.`);
  }
  const { Source, Detail, EventBusName = 'default', Resources = [], Time = 0 } = entry;
  if (EventBusName !== 'default') return notValid('EventBusName', 'only the default bus exists.');
  if (!Array.isArray(Resources) || Resources.some((resource) => typeof resource !== 'string')) {
    return notValid('Resources', 'expected a list of strings.');
  }
  if (Number.isNaN(new Date(Number(Time) * 1000).valueOf())) return notValid('Time', 'expected seconds since 1970.');
  if (String(Source).startsWith('aws.')) {
    return { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' };
  }
  if (isRecord(parseJson(String(Detail)))) return undefined;
  return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
}

function notValid(name: string, reason: string): EntryFailure {
  return { ErrorCode: 'InvalidArgument', ErrorMessage: `Parameter ${name} is not valid. Reason: ${reason}` };
}

function eventOf(entry: Entry, { account, region }: BusLocation) {
  const time = entry.Time === undefined ? new Date() : new Date(Number(entry.Time) * 1000);
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': entry.DetailType,
    source: entry.Source,
    account,
    time: time.toISOString().replace(/\.\d+Z$/, 'Z'),
    region,
    resources: entry.Resources ?? [],
    detail: parseJson(String(entry.Detail)),
  };
}
