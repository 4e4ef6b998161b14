import { randomUUID } from 'node:crypto';
import { isRecord, parseJson } from '../http.ts';
import type { EventBus, TestEventBridgeOptions } from './event-bus.ts';

/** Most entries of one call. @see Amazon EventBridge API Reference, "PutEvents" */
const MAX_ENTRIES = 10;

/** Most bytes of all entries of one call. @see Amazon EventBridge User Guide, "Quotas" */
const MAX_SIZE = 1024 * 1024;

/** Bytes that a time counts for, however it is written. @see "Calculating Amazon EventBridge PutEvents event entry size" */
const TIME_SIZE = 14;

/** An entry that was not taken. */
type EntryFailure = { readonly ErrorCode: string; readonly ErrorMessage: string };
type Entry = Readonly<Record<string, unknown>>;

/** Where the bus is. */
export type BusPlace = Required<TestEventBridgeOptions>;

/** Refuses a whole call with an exception, such as `ValidationException`. */
export class EventsFailure extends Error {
  override readonly name = 'EventsFailure';
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/** Puts the entries of a call on the bus, as far as they are good. @throws EventsFailure */
export function putEvents(bus: EventBus, place: BusPlace, input: Entry): object {
  const results = entriesOf(input).map((entry) => {
    const failure = failureOf(entry);
    if (failure !== undefined) return failure;
    const event = eventOf(entry, place);
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
    throw new EventsFailure('ValidationException', 'Total size of the entries in the request is over the limit.');
  }
  return entries;
}

function invalid(constraint: string): EventsFailure {
  const message = `1 validation error detected: Value at 'entries' failed to satisfy constraint: ${constraint}`;
  return new EventsFailure('ValidationException', message);
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
  if (EventBusName !== 'default') return notValid('EventBusName', 'there is the default bus only.');
  if (!Array.isArray(Resources) || Resources.some((resource) => typeof resource !== 'string')) {
    return notValid('Resources', 'a list of strings is expected.');
  }
  if (Number.isNaN(new Date(Number(Time) * 1000).valueOf()))
    return notValid('Time', 'seconds since 1970 are expected.');
  if (String(Source).startsWith('aws.')) {
    return { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' };
  }
  if (isRecord(parseJson(String(Detail)))) return undefined;
  return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
}

function notValid(name: string, reason: string): EntryFailure {
  return { ErrorCode: 'InvalidArgument', ErrorMessage: `Parameter ${name} is not valid. Reason: ${reason}` };
}

function eventOf(entry: Entry, { account, region }: BusPlace) {
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
