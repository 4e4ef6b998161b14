/** Layout of the memory that a {@link SecondThread} shares with the calling thread. All counts and offsets are modulo 2^32. */
export const THREAD_LAYOUT = {
  // Control words.
  /** Signals to the thread, and to the caller. A waiting one wakes up when its word changes. */
  toThread: 0,
  toCaller: 1,
  /** One of the tasks. The caller begins it, and tells its end; then the thread changes it to `idle`. */
  task: 2,
  isEnded: 3,
  /** Bytes of the layer in the ring so far. */
  fed: 4,
  /** The thread needs more than this number of bytes. */
  starvedAt: 5,
  /** Bytes of the layer that were hashed. */
  hashed: 6,
  /** Number of deflate streams that the caller has begun, the offset of the last one, and whether it belongs to a gzip member. */
  streams: 7,
  streamStart: 8,
  isGzip: 9,
  /** Bytes of output that the caller has read. */
  outputRead: 10,
  /** Records that the thread has written, and that the caller has read. */
  recordsWritten: 11,
  recordsRead: 12,
  /** 1 if the thread has to end when it is idle. */
  isClosing: 13,
  /** 1 if the thread has failed. */
  hasFailed: 14,
  controlWords: 15,

  // Tasks.
  idle: 0,
  inflate: 1,
  hash: 2,

  // Records, of five words: kind, input used, unused bits, address after the output, and a value.
  recordWords: 5,
  /** There is more output. */
  output: 0,
  /** A deflate block can start here. */
  boundary: 1,
  /** The output continues at the start of the buffer. */
  slide: 2,
  /** The deflate stream ends. The value is the CRC-32 of its output. */
  end: 3,
  /** The data are invalid. The value is the number of the fault. */
  fault: 4,
  /** The next gzip member has a usual header, and its deflate stream starts here. */
  start: 5,
  /** The thread does not know where the next deflate stream starts. */
  stop: 6,

  /** Bytes before the ring for the start of a block header whose end is at the start of the ring. */
  ringMargin: 4096,
  /** Maximum size of the header of a member that the thread skips. */
  maxHeaderSize: 1024,
} as const;

/** Sizes of the buffers. */
export interface ThreadSizes {
  /** Bytes of the layer that wait for the thread. A power of two. */
  readonly ring: number;
  /** Parts of the output buffer, of 256 KiB. The caller may be all but two of them behind; at least three. */
  readonly outputParts: number;
  /** Number of records that wait for the caller. */
  readonly records: number;
}

/** The sizes in use: see docs/decisions/054-two-threads-for-one-layer.md. */
export const THREAD_SIZES: ThreadSizes = { ring: 1 << 21, outputParts: 6, records: 4096 };

/** Memory of the thread. */
export interface ThreadMemory {
  /** Control words: see {@link THREAD_LAYOUT}. */
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly records: Int32Array<SharedArrayBuffer>;
  /** The memory of the inflate kernel, with the ring and the output. */
  readonly kernel: SharedArrayBuffer;
  /** Addresses in it. */
  readonly ring: number;
  readonly output: number;
  /** SHA-256 of the layer, after the task `hash`. */
  readonly digest: Uint8Array<SharedArrayBuffer>;
}
