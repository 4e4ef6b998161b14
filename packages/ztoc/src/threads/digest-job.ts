import type { DigestedLayer, LayerDigests } from '../build/layer-digests.ts';
import { SpanDigester } from '../build/layer-digests.ts';
import type { MemberChecker } from '../gzip/gzip-decoder.ts';
import { type ChecksumField, checksumMismatch } from '../gzip/gzip-member.ts';
import { formatDigest } from '../hashes.ts';
import { OUTPUT_PARTS } from '../inflate/inflater.ts';
import { AheadJob } from './ahead-job.ts';
import { type AheadMemory, createAheadMemory } from './decode-blocks.ts';

/** Operations that a thread computes, in the order of the layer, each with up to three 32-bit arguments. */
export const OPERATIONS = {
  /** Adds bytes of the ring to the digest of the layer: index in the ring, length. */
  layer: 0,
  /** Ends the current span and starts the next one. */
  beginSpan: 1,
  /** Adds bytes of the ring to the current span: index in the ring, length. */
  span: 2,
  /** Adds bytes of the inflater's memory to the CRC-32 of the member: address, length. */
  output: 3,
  /** Ends a member: expected CRC-32, low and high half of the offset of its trailer. */
  endMember: 4,
  /** The same for a member of a wrong length. */
  endMemberOfWrongLength: 5,
  /** Adds output that was decoded ahead to the CRC-32 of the member: address, length. */
  decodedOutput: 6,
  /** Decodes blocks ahead when the queue is empty: index in the ring, length, number of the task. */
  decodeAhead: 7,
  /** Ends the layer. */
  end: 8,
} as const;

/** Positions in the control words. */
export const CONTROL = {
  /** Number of operations that were requested, modulo 2^32. */
  requested: 0,
  /** Number of operations that are finished, modulo 2^32. */
  finished: 1,
  /** 1 after a member did not match its checksum, or if the thread has failed. */
  hasFault: 2,
} as const;

/** Bytes of the layer that the thread may lag behind. */
const RING_SIZE = 1 << 23;
/** Bytes that are added at a time: at most an eighth of the ring. */
const MAX_PIECE_SIZE = 1 << 18;
/** Bytes that are released at a time, if the pieces are smaller. */
const MIN_RELEASE_SIZE = 1 << 16;
/** Operations that can wait. */
const QUEUE_LENGTH = 1 << 12;
/** 32-bit words of an operation. */
export const OPERATION_WORDS = 4;
/** A thread that does nothing for so long, in milliseconds, has been lost. */
const MAX_SILENCE = 120_000;

/** Memory that both threads use. */
export interface SharedDigestMemory {
  /** See {@link CONTROL}. */
  readonly control: Int32Array<SharedArrayBuffer>;
  /** Queue of operations. */
  readonly queue: Int32Array<SharedArrayBuffer>;
  /** The last bytes of the layer. The byte at an offset is at the remainder of that offset and the size of the ring. */
  readonly ring: Uint8Array<SharedArrayBuffer>;
  readonly ahead: AheadMemory;
}

/** Creates the memory for a thread. */
export function createDigestMemory(): SharedDigestMemory {
  return {
    control: new Int32Array(new SharedArrayBuffer(4 * Object.keys(CONTROL).length)),
    queue: new Int32Array(new SharedArrayBuffer(4 * OPERATION_WORDS * QUEUE_LENGTH)),
    ring: new Uint8Array(new SharedArrayBuffer(RING_SIZE)),
    ahead: createAheadMemory(),
  };
}

/** What a thread returns at the end of a layer. */
export interface DigestReply {
  readonly layer: Uint8Array;
  readonly spans: readonly Uint8Array[];
  /** The first member that does not match: the offset and the field of its trailer. */
  readonly mismatch?: { readonly offset: number; readonly field: ChecksumField };
  /** The thread failed. */
  readonly error?: string;
}

/** How a {@link DigestJob} talks to its thread. */
export interface DigestChannel {
  readonly memory: SharedDigestMemory;
  /** Output of the blocks that the thread decodes ahead. */
  readonly aheadOutput: Uint8Array<SharedArrayBuffer>;
  /** Why the thread has ended, if it has. */
  readonly failure: string | undefined;
  /** Makes the thread compute the operations of the queue until `end`. @param output Memory of the inflater, if any. */
  start(output: SharedArrayBuffer | undefined): void;
  /** Returns the reply of the thread, after `end`. */
  reply(): Promise<DigestReply>;
}

/**
 * Requests the digests of one layer from a thread. The bytes of the layer are copied to a ring, and the output of gzip is read
 * where the inflater writes it. The thread may lag behind by 2 MiB of the layer and three parts of the output buffer; then
 * this side waits.
 */
export class DigestJob implements LayerDigests, MemberChecker {
  readonly maxPieceSize = MAX_PIECE_SIZE;
  readonly checker: MemberChecker = this;
  readonly ahead: AheadJob;
  readonly #channel: DigestChannel;
  readonly #memory: SharedDigestMemory;
  /** Numbers of operations that were requested, and that are known to be finished. */
  #requested = 0;
  #finished = 0;
  #isStarted = false;
  #reply: Promise<DigestReply> | undefined;
  /** Offset of the end of the layer so far, and the offset below which the ring may be overwritten. */
  #written = 0;
  #released = 0;
  /** Offsets that are released when an operation is finished, in order. */
  readonly #releases: { readonly operation: number; readonly offset: number }[] = [];
  /** Digests of the spans of an uncompressed layer. This thread computes them, because the other one has the whole layer. */
  readonly #spansHere = new SpanDigester();
  #hasOutput = false;
  /** Address of the inflater's output buffer, the size of its parts, and the last operation that reads each part. */
  #outputAddress = 0;
  #partSize = 1;
  readonly #lastUses = new Array<number>(OUTPUT_PARTS + 1).fill(0);

  constructor(channel: DigestChannel) {
    this.#channel = channel;
    this.#memory = channel.memory;
    this.#memory.control.fill(0);
    const { ring, ahead } = channel.memory;
    this.ahead = new AheadJob(ring, ahead, channel.aheadOutput, (...task) =>
      this.#request(OPERATIONS.decodeAhead, ...task),
    );
  }

  attach(memory: SharedArrayBuffer, address: number, partSize: number): void {
    this.#hasOutput = true;
    this.#outputAddress = address;
    this.#partSize = partSize;
    this.#start(memory);
  }

  addLayer(bytes: Uint8Array): void {
    const { failure, memory } = this.#channel;
    if (failure !== undefined) throw threadFailed(failure);
    // The fault is what `abort` returns.
    if (Atomics.load(memory.control, CONTROL.hasFault) !== 0) throw new Error('the layer is damaged');
    const { ring } = this.#memory;
    while (this.#written + bytes.length > this.#released + ring.length) this.#waitForRelease();
    const index = this.#written % ring.length;
    const first = bytes.subarray(0, ring.length - index);
    ring.set(first, index);
    if (first.length < bytes.length) ring.set(bytes.subarray(first.length), 0);
    this.#written += bytes.length;
    this.#request(OPERATIONS.layer, index, bytes.length);
  }

  beginSpan(): void {
    if (this.#hasOutput) this.#request(OPERATIONS.beginSpan);
    else {
      if (!this.#isStarted) this.#start();
      this.#spansHere.begin();
    }
  }

  addSpan(bytes: Uint8Array, offset: number): void {
    if (this.#hasOutput) this.#request(OPERATIONS.span, offset % this.#memory.ring.length, bytes.length);
    else this.#spansHere.update(bytes);
  }

  release(offset: number): void {
    const releases = this.#releases;
    if (offset - (releases.at(-2)?.offset ?? 0) < MIN_RELEASE_SIZE) releases.pop();
    releases.push({ operation: this.#requested, offset });
  }

  waitForPart(part: number): void {
    this.#waitFor(this.#lastUses[part] as number);
  }

  addOutput(output: Uint8Array): void {
    if (output.buffer === this.#channel.aheadOutput.buffer) {
      this.#request(OPERATIONS.decodedOutput, output.byteOffset, output.length);
      return;
    }
    this.#request(OPERATIONS.output, output.byteOffset, output.length);
    const start = output.byteOffset - this.#outputAddress;
    const last = Math.floor((start + output.length - 1) / this.#partSize);
    for (let part = Math.floor(start / this.#partSize); part <= last; part++) this.#lastUses[part] = this.#requested;
  }

  endMember(crc: number, hasLength: boolean, offset: number): void {
    const operation = hasLength ? OPERATIONS.endMember : OPERATIONS.endMemberOfWrongLength;
    this.#request(operation, crc, offset % 2 ** 32, Math.floor(offset / 2 ** 32));
  }

  async finish(): Promise<DigestedLayer> {
    const { layer, spans, mismatch, error } = await this.#end();
    if (error !== undefined) throw threadFailed(error);
    if (mismatch !== undefined) throw checksumMismatch(mismatch.field, mismatch.offset);
    const spanDigests = this.#hasOutput ? spans.map(formatDigest) : this.#spansHere.finish();
    return { layerDigest: formatDigest(layer), spanDigests };
  }

  async abort(): Promise<Error | undefined> {
    const { mismatch, error } = await this.#end();
    if (mismatch !== undefined) return checksumMismatch(mismatch.field, mismatch.offset);
    return error === undefined ? undefined : threadFailed(error);
  }

  #start(output?: SharedArrayBuffer): void {
    this.#isStarted = true;
    this.#channel.start(output);
  }

  #end(): Promise<DigestReply> {
    if (this.#reply === undefined) {
      if (!this.#isStarted) this.#start();
      this.#request(OPERATIONS.end);
      this.#reply = this.#channel.reply();
    }
    return this.#reply;
  }

  #request(operation: number, first = 0, second = 0, third = 0): void {
    const { control, queue } = this.#memory;
    this.#waitFor(this.#requested - QUEUE_LENGTH + 1);
    const at = (this.#requested % QUEUE_LENGTH) * OPERATION_WORDS;
    queue[at] = operation;
    queue[at + 1] = first;
    queue[at + 2] = second;
    queue[at + 3] = third;
    this.#requested += 1;
    Atomics.store(control, CONTROL.requested, this.#requested | 0);
    Atomics.notify(control, CONTROL.requested);
  }

  #waitForRelease(): void {
    const release = this.#releases.shift();
    if (release === undefined) throw new Error('a piece of the layer does not fit into the ring');
    this.#waitFor(release.operation);
    this.#released = release.offset;
  }

  /** Waits until the thread has finished this number of operations. */
  #waitFor(count: number): void {
    const { control } = this.#memory;
    while (this.#finished < count) {
      const finished = Atomics.load(control, CONTROL.finished);
      this.#finished += (finished - this.#finished) >>> 0;
      if (this.#finished >= count) return;
      if (Atomics.wait(control, CONTROL.finished, finished, MAX_SILENCE) === 'timed-out') {
        throw threadFailed('it does not answer');
      }
    }
  }
}

function threadFailed(reason: string): Error {
  return new Error(`the thread that computes digests failed: ${reason}`);
}
