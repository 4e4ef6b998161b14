import { randomUUID } from 'node:crypto';

/** A message in a queue of {@link startTestSqs}. */
export interface QueuedMessage {
  readonly messageId: string;
  readonly body: string;
  /** How often the message was received. */
  readonly receiveCount: number;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
  /** Whether a receiver has the message, so that others do not get it. */
  readonly isInFlight: boolean;
}

/** Settings of a queue, as Amazon SQS names them. */
export interface QueueSettings {
  /** Seconds during which others do not get a received message. */
  readonly visibilityTimeout: number;
  /** Queue that gets messages after `maxReceiveCount` attempts. */
  readonly redrive: { readonly maxReceiveCount: number; readonly target: MessageQueue } | undefined;
  /** Length of a second, in milliseconds. */
  readonly second: number;
}

interface Entry {
  readonly messageId: string;
  readonly body: string;
  readonly sentAt: number;
  receiveCount: number;
  receiptHandle: string | undefined;
  /** `performance.now()` from which receivers get the message. */
  visibleAt: number;
}

/** A received message. */
export type ReceivedMessage = QueuedMessage & { readonly receiptHandle: string };

/** A standard queue. */
export class MessageQueue {
  readonly #settings: QueueSettings;
  #entries: Entry[] = [];

  constructor(settings: QueueSettings) {
    this.#settings = settings;
  }

  /** Messages in the order of their arrival. */
  get messages(): QueuedMessage[] {
    return this.#entries.map((entry) => describe(entry));
  }

  /** Adds a message. @returns Its id. */
  send(body: string): string {
    const messageId = randomUUID();
    const entry = { messageId, body, sentAt: Date.now(), receiveCount: 0, receiptHandle: undefined, visibleAt: 0 };
    this.#entries.push(entry);
    return messageId;
  }

  /** Receives up to `max` visible messages. Moves those that were received too often to the dead-letter queue. */
  receive(max: number): ReceivedMessage[] {
    const now = performance.now();
    const received: ReceivedMessage[] = [];
    for (const entry of this.#entries.filter(({ visibleAt }) => visibleAt <= now)) {
      if (received.length === max) break;
      const { redrive, visibilityTimeout, second } = this.#settings;
      if (redrive !== undefined && entry.receiveCount >= redrive.maxReceiveCount) {
        this.#remove(entry);
        redrive.target.#accept(entry);
        continue;
      }
      const receiptHandle = randomUUID();
      Object.assign(entry, { receiptHandle, visibleAt: now + visibilityTimeout * second });
      entry.receiveCount += 1;
      received.push({ ...describe(entry), receiptHandle });
    }
    return received;
  }

  /** Deletes a message. The handle of an earlier receipt has no effect. */
  delete(receiptHandle: string): void {
    const entry = this.#find(receiptHandle);
    if (entry !== undefined) this.#remove(entry);
  }

  /** Makes a received message visible after some seconds. @returns False if the message is not in flight. */
  changeVisibility(receiptHandle: string, seconds: number): boolean {
    const entry = this.#find(receiptHandle);
    const now = performance.now();
    if (entry === undefined || entry.visibleAt <= now) return false;
    entry.visibleAt = now + seconds * this.#settings.second;
    return true;
  }

  /** A moved message keeps its id and time, and its receipts start again. */
  #accept(entry: Entry): void {
    this.#entries.push({ ...entry, receiveCount: 0, receiptHandle: undefined, visibleAt: 0 });
  }

  #find(receiptHandle: string): Entry | undefined {
    return this.#entries.find((entry) => entry.receiptHandle === receiptHandle);
  }

  #remove(removed: Entry): void {
    this.#entries = this.#entries.filter((entry) => entry !== removed);
  }
}

function describe({ messageId, body, receiveCount, sentAt, visibleAt }: Entry): QueuedMessage {
  return { messageId, body, receiveCount, sentAt, isInFlight: visibleAt > performance.now() };
}
