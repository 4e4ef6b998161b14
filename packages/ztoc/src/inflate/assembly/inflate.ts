// Deflate decoder (RFC 1951) in AssemblyScript: TypeScript syntax with WebAssembly types. scripts/build-kernel.mjs
// compiles it to ../kernel.generated.ts. Its host is ../inflater.ts, which owns the content of the buffers between two
// calls of `run`.
//
// Unlike other decoders, it stops before a block header once the output has passed a threshold, and it can stop and
// resume at any byte of input or output. It is fast because of:
//   - one 64-bit bit buffer, refilled without a branch by an unaligned load that may load a byte again, but uses it once;
//   - tables of packed 32-bit entries, whose low six bits are the shift count (shifts ignore the other bits);
//   - up to three literals per refill;
//   - entries that contain the whole length of a match, in most cases;
//   - lookup of the next entry before the refill and the copy of a match, so that the processor overlaps them;
//   - copies of 16 bytes that may write past the end of the match, into slack of the buffers.
// It accepts and rejects the same data as zlib's inflate (inftrees.c, inflate.c).

// ---------------------------------------------------------------------------------------------------- memory map
// One page (64 KiB) of tables, then the buffers. The host uses the last four constants.

const EXPANDED: usize = 0x0100; // u16 x 2 x 20: code and its length, for the lengths that `buildTable` expands
const LENGTHS: usize = 0x0400; // u8 x 320: code lengths of the current block, literals first
const SORTED: usize = 0x0600; // u16 x 288: symbols by code length
const LITLEN_BASE: usize = 0x0900; // u32 x 288: entries of the literal/length symbols, without their code lengths
const DISTANCE_BASE: usize = 0x0d80; // u32 x 32: the same for the distance symbols
const PRECODE_BASE: usize = 0x0e00; // u32 x 19: the same for the code length symbols
const COUNTS: usize = 0x0e80; // u16 x 16: number of codes of each length
const STARTS: usize = 0x0ea0; // u16 x 16: first position of each length in SORTED
const PRECODE_ORDER: usize = 0x0ec0; // u8 x 19: RFC 1951, 3.2.7
const STEPS: usize = 0x0ee0; // u8 x 16: for each distance below 16, its largest multiple up to 16
const PATTERNS: usize = 0x0f00; // u8 x 16 x 16: for each distance below 16, shuffle indexes that repeat the pattern
const PRECODE_TABLE: usize = 0x1000; // u32 x 128
const LITLEN_TABLE: usize = 0x1400; // u32 x (2048 + subtables)
const DISTANCE_TABLE: usize = 0x4000; // u32 x (512 + subtables)
const FOLDED: usize = 0x5000; // u8 x 0xb000: see `addToCrc`

const INPUT: usize = 0x10000;
const INPUT_CAPACITY: usize = 0x20000;
const OUTPUT: usize = 0x40000; // preceded by 32 KiB of history, from 0x38000, and followed by slack for a match
const OUTPUT_PART: usize = 0x40000;

const HISTORY_SIZE: usize = 32768;

/** Address of the buffer for compressed bytes. @returns address */
export function inputAddress(): usize {
  return INPUT;
}

/** Size of the buffer for compressed bytes. @returns bytes */
export function inputCapacity(): usize {
  return INPUT_CAPACITY;
}

/** Address of the decompressed bytes; the 32 KiB before it are history. @returns address */
export function outputAddress(): usize {
  return OUTPUT;
}

/** Size of a part of the output buffer. The memory has room for one part; the host may grow it for more. @returns bytes */
export function outputPartSize(): usize {
  return OUTPUT_PART;
}

// ---------------------------------------------------------------------------------------------------- table entries
// bits 0-5    number of bits to consume: the code and the extra bits of a length or distance
// LITERAL     bit 6: bits 16-23 are the literal
// length      bits 16-31 are the length
// distance    bits 8-11 are the length of the code plus two (the extra bits follow it), bits 16-31 the base value
// EXCEPTION   bit 7, with one of the four flags below; bits 12-15 are zero in all other entries

const LITERAL: u32 = 1 << 6;
const EXCEPTION: u32 = 1 << 7;
const SUBTABLE: u32 = 1 << 12; // bits 8-11: number of its index bits; bits 16-31: its first entry
const END_OF_BLOCK: u32 = 1 << 13;
const INVALID: u32 = 1 << 14; // a symbol or code that is not allowed
const EXTRA: u32 = 1 << 15; // a length whose extra bits do not fit into the index; bits 8-31 as for a distance

const LITLEN_BITS: u32 = 11;
const DISTANCE_BITS: u32 = 9;
const PRECODE_BITS: u32 = 7;

// ---------------------------------------------------------------------------------------------------- state
// Exported globals, so that the host can save, restore and move them.

/** Address of the next input byte to load. */
export let inputPosition: usize = INPUT;
/** Address of the end of the available input. */
export let inputEnd: usize = INPUT;
/** Address of the next output byte. */
export let outputPosition: usize = OUTPUT;
/** Address at which `run` needs another part of the output buffer. A match may end up to 259 bytes after it. */
export let outputLimit: usize = OUTPUT + OUTPUT_PART;
/** Lowest address that a match may refer to: the start of the member or of the history. */
export let outputFloor: usize = OUTPUT;
/** `run` reports a block boundary if the output position is above this address. */
export let boundaryAfter: i32 = -1;
/** Loaded bits that are not consumed yet, the next one lowest. */
export let bitBuffer: u64 = 0;
/** Number of valid bits in `bitBuffer`. */
export let bitCount: u32 = 0;
/** Remaining bytes of a stored block. */
export let storedLeft: u32 = 0;
/** 1 after the header of the last block of the member. */
export let finalBlock: u32 = 0;
/** Next action of `run`: one of the modes below. */
export let mode: u32 = 0;

const MODE_BOUNDARY: u32 = 0; // before a block header that may have to be reported
const MODE_HEADER: u32 = 1; // before a block header that has been reported or is below the threshold
const MODE_STORED: u32 = 2;
const MODE_CODES: u32 = 3;
const MODE_END: u32 = 4; // after the final block

// Return values of `run`.
const NEED_INPUT: i32 = 0;
const NEED_OUTPUT: i32 = 1;
const AT_BOUNDARY: i32 = 2;
const AT_END: i32 = 3;
const BAD_BLOCK_TYPE: i32 = -1;
const BAD_STORED_LENGTH: i32 = -2;
const BAD_SYMBOL_COUNT: i32 = -3;
const BAD_CODE_LENGTHS: i32 = -4;
const BAD_REPEAT: i32 = -5;
const NO_END_OF_BLOCK: i32 = -6;
const BAD_LITLEN_CODES: i32 = -7;
const BAD_DISTANCE_CODES: i32 = -8;
const BAD_LITLEN_SYMBOL: i32 = -9;
const BAD_DISTANCE_SYMBOL: i32 = -10;
const DISTANCE_TOO_FAR: i32 = -11;
const OK: i32 = 9; // returned by the inner functions: continue

/** Clears the state, for a new layer. */
export function reset(): void {
  inputPosition = INPUT;
  inputEnd = INPUT;
  outputPosition = OUTPUT;
  outputLimit = OUTPUT + OUTPUT_PART;
  bitBuffer = 0;
  bitCount = 0;
  memory.fill(OUTPUT - HISTORY_SIZE, 0, HISTORY_SIZE);
}

/** Starts a new deflate stream at the current positions. Its matches cannot refer to earlier output. */
export function beginMember(): void {
  mode = MODE_BOUNDARY;
  finalBlock = 0;
  outputFloor = outputPosition;
  resetCrc();
}

/** Moves the last 32 KiB of output before `OUTPUT`, and continues with the first part of the output buffer. */
export function slide(): void {
  const distance = outputPosition - OUTPUT;
  memory.copy(OUTPUT - HISTORY_SIZE, outputPosition - HISTORY_SIZE, HISTORY_SIZE);
  outputPosition = OUTPUT;
  outputLimit = OUTPUT + OUTPUT_PART;
  outputFloor = max<isize>(<isize>outputFloor - <isize>distance, <isize>(OUTPUT - HISTORY_SIZE));
}

/** Decodes until the host has to act. @returns one of the values above; negative for invalid data */
export function run(): i32 {
  while (true) {
    let status: i32;
    switch (mode) {
      case MODE_BOUNDARY:
        mode = MODE_HEADER;
        if (<i32>outputPosition > boundaryAfter) return AT_BOUNDARY;
        continue;
      case MODE_HEADER:
        status = readBlockHeader();
        break;
      case MODE_STORED:
        status = copyStored();
        break;
      case MODE_CODES:
        status = decodeCodes();
        break;
      default:
        return AT_END;
    }
    if (status != OK) return status;
  }
}

function endBlock(): void {
  mode = finalBlock ? MODE_END : MODE_BOUNDARY;
}

// ---------------------------------------------------------------------------------------------------- bits

/** Loads whole bytes until at least 56 bits are valid, or the input is used up. */
function fillBits(): void {
  if (bitCount <= 56 && inputPosition + 8 <= inputEnd) {
    const bytes = (63 - bitCount) >> 3;
    bitBuffer |= load<u64>(inputPosition) << <u64>bitCount;
    bitCount += bytes << 3;
    bitBuffer &= (<u64>1 << <u64>bitCount) - 1;
    inputPosition += bytes;
    return;
  }
  while (bitCount <= 56 && inputPosition < inputEnd) {
    bitBuffer |= <u64>load<u8>(inputPosition++) << <u64>bitCount;
    bitCount += 8;
  }
}

@inline
function dropBits(count: u32): void {
  bitBuffer >>= <u64>count;
  bitCount -= count;
}

// ---------------------------------------------------------------------------------------------------- blocks

/** Reads a complete block header, or nothing. */
function readBlockHeader(): i32 {
  fillBits();
  if (bitCount < 3) return NEED_INPUT;
  const type = <u32>(bitBuffer >> 1) & 3;
  if (type == 0) {
    // Three header bits, padding to a byte, then LEN and its complement. Fewer than eight bits remain of the previous
    // byte, so the bit buffer always has room for LEN's 32 bits.
    const padding = (bitCount - 3) & 7;
    if (bitCount < 3 + padding + 32) return NEED_INPUT;
    const last = <u32>bitBuffer & 1;
    const lengths = <u32>(bitBuffer >> <u64>(3 + padding));
    if ((lengths & 0xffff) != (~lengths >> 16)) return BAD_STORED_LENGTH;
    dropBits(3 + padding + 32);
    unloadBytes();
    finalBlock = last;
    storedLeft = lengths & 0xffff;
    mode = MODE_STORED;
    return OK;
  }
  if (type == 3) return BAD_BLOCK_TYPE;
  if (type == 1) {
    finalBlock = <u32>bitBuffer & 1;
    dropBits(3);
    useFixedCodes();
    mode = MODE_CODES;
    return OK;
  }
  // A dynamic header has up to 3 + 14 + 57 + 316 * 14 bits. Save its start, to read it again if the input ends within
  // it.
  const savedPosition = inputPosition;
  const savedBuffer = bitBuffer;
  const savedCount = bitCount;
  const status = readDynamicHeader();
  if (status == NEED_INPUT) {
    inputPosition = savedPosition;
    bitBuffer = savedBuffer;
    bitCount = savedCount;
    return NEED_INPUT;
  }
  if (status == OK) mode = MODE_CODES;
  return status;
}

/** Returns whole bytes of the bit buffer to the input, and drops the remaining bits of a partly used byte. */
export function unloadBytes(): void {
  inputPosition -= bitCount >> 3;
  bitBuffer = 0;
  bitCount = 0;
}

function copyStored(): i32 {
  while (storedLeft > 0) {
    if (outputPosition >= outputLimit) return NEED_OUTPUT;
    const count = min<usize>(min<usize>(storedLeft, inputEnd - inputPosition), outputLimit - outputPosition);
    if (count == 0) return NEED_INPUT;
    memory.copy(outputPosition, inputPosition, count);
    outputPosition += count;
    inputPosition += count;
    storedLeft -= <u32>count;
  }
  endBlock();
  return OK;
}

function useFixedCodes(): void {
  memory.fill(LENGTHS, 8, 144);
  memory.fill(LENGTHS + 144, 9, 112);
  memory.fill(LENGTHS + 256, 7, 24);
  memory.fill(LENGTHS + 280, 8, 8);
  buildTable(LENGTHS, 288, LITLEN_BASE, LITLEN_TABLE, LITLEN_BITS, false);
  memory.fill(LENGTHS + 288, 5, 32);
  buildTable(LENGTHS + 288, 32, DISTANCE_BASE, DISTANCE_TABLE, DISTANCE_BITS, false);
}

function readDynamicHeader(): i32 {
  fillBits();
  if (bitCount < 17) return NEED_INPUT;
  const last = <u32>bitBuffer & 1;
  const litlenCount = (<u32>(bitBuffer >> 3) & 31) + 257;
  const distanceCount = (<u32>(bitBuffer >> 8) & 31) + 1;
  const precodeCount = (<u32>(bitBuffer >> 13) & 15) + 4;
  dropBits(17);
  if (litlenCount > 286 || distanceCount > 30) return BAD_SYMBOL_COUNT;

  memory.fill(LENGTHS, 0, 19);
  for (let i: u32 = 0; i < precodeCount; i++) {
    fillBits();
    if (bitCount < 3) return NEED_INPUT;
    store<u8>(LENGTHS + load<u8>(PRECODE_ORDER + i), <u8>bitBuffer & 7);
    dropBits(3);
  }
  if (!buildTable(LENGTHS, 19, PRECODE_BASE, PRECODE_TABLE, PRECODE_BITS, false)) return BAD_CODE_LENGTHS;

  const total = litlenCount + distanceCount;
  let i: u32 = 0;
  while (i < total) {
    if (bitCount < 7 + 7) fillBits(); // a code and its extra bits
    const entry = load<u32>(PRECODE_TABLE + ((<u32>bitBuffer & ((1 << PRECODE_BITS) - 1)) << 2));
    const codeBits = entry & 63;
    const symbol = entry >> 16;
    if (symbol < 16) {
      if (bitCount < codeBits) return NEED_INPUT;
      dropBits(codeBits);
      store<u8>(LENGTHS + i++, <u8>symbol);
      continue;
    }
    const extraBits: u32 = symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
    if (bitCount < codeBits + extraBits) return NEED_INPUT;
    dropBits(codeBits);
    const repeats = (<u32>bitBuffer & ((1 << extraBits) - 1)) + (symbol == 18 ? 11 : 3);
    dropBits(extraBits);
    if ((symbol == 16 && i == 0) || i + repeats > total) return BAD_REPEAT;
    memory.fill(LENGTHS + i, symbol == 16 ? load<u8>(LENGTHS + i - 1) : 0, repeats);
    i += repeats;
  }
  if (load<u8>(LENGTHS + 256) == 0) return NO_END_OF_BLOCK;
  if (!buildTable(LENGTHS, litlenCount, LITLEN_BASE, LITLEN_TABLE, LITLEN_BITS, true)) return BAD_LITLEN_CODES;
  if (!buildTable(LENGTHS + litlenCount, distanceCount, DISTANCE_BASE, DISTANCE_TABLE, DISTANCE_BITS, true)) {
    return BAD_DISTANCE_CODES;
  }
  finalBlock = last;
  return OK;
}

// ---------------------------------------------------------------------------------------------------- tables

/**
 * Builds the decoding table of a canonical Huffman code: `1 << tableBits` entries, indexed by the next bits of input,
 * followed by a subtable for each prefix of longer codes.
 *
 * `lenient` accepts an incomplete code with no symbol or one symbol of one bit, as zlib does for literal/length and
 * distance codes.
 * @returns whether the lengths form a code
 */
function buildTable(lengths: usize, symbols: u32, base: usize, table: usize, tableBits: u32, lenient: bool): bool {
  memory.fill(COUNTS, 0, 32);
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const count = COUNTS + (<u32>load<u8>(lengths + symbol) << 1);
    store<u16>(count, load<u16>(count) + 1);
  }
  let longest: u32 = 15;
  while (longest > 0 && load<u16>(COUNTS + (longest << 1)) == 0) longest--;
  let unused: i32 = 1;
  let start: u32 = 0;
  for (let length: u32 = 1; length <= 15; length++) {
    const count = <u32>load<u16>(COUNTS + (length << 1));
    unused = (unused << 1) - count;
    if (unused < 0) return false;
    store<u16>(STARTS + (length << 1), <u16>start);
    start += count;
  }
  if (unused > 0 && (!lenient || longest > 1)) return false;
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const length = <u32>load<u8>(lengths + symbol);
    if (length == 0) continue;
    const slot = STARTS + (length << 1);
    const position = <u32>load<u16>(slot);
    store<u16>(slot, <u16>(position + 1));
    store<u16>(SORTED + (position << 1), <u16>symbol);
  }

  // Codes in canonical order, with their first bit lowest, as in the input. Each bit more doubles the table.
  const tableSize: u32 = 1 << tableBits;
  let code: u32 = 0;
  let sorted = SORTED;
  let expanded = EXPANDED;
  store<u32>(table, EXCEPTION | INVALID | 1); // remains in an incomplete code
  for (let length: u32 = 1; length <= tableBits; length++) {
    const size: u32 = 1 << length;
    memory.copy(table + (size << 1), table, size << 1);
    for (let count = <u32>load<u16>(COUNTS + (length << 1)); count > 0; count--) {
      const entry = load<u32>(base + (<u32>load<u16>(sorted) << 2));
      sorted += 2;
      store<u32>(table + (code << 2), packEntry(entry, length));
      if (entry & EXTRA && length + (entry & 63) <= tableBits) {
        store<u32>(expanded, code | (length << 16));
        expanded += 4;
      }
      code = nextCode(code, size);
    }
  }
  // Replace the entries of lengths whose extra bits fit into the index: one for each value of these bits.
  while (expanded > EXPANDED) {
    expanded -= 4;
    const first = <u32>load<u16>(expanded);
    const length = <u32>load<u16>(expanded, 2);
    const entry = load<u32>(table + (first << 2));
    const bits = entry & 63;
    const mask = (1 << (bits - length)) - 1;
    for (let i = first, extra: u32 = 0; i < tableSize; i += 1 << length, extra++) {
      store<u32>(table + (i << 2), ((entry & 0xffff0000) + ((extra & mask) << 16)) | bits);
    }
  }
  // Longer codes, in subtables.
  let tableEnd = tableSize;
  let prefix: u32 = 0xffffffff;
  let subtable: u32 = 0;
  let subtableSize: u32 = 0;
  for (let length = tableBits + 1; length <= longest; length++) {
    for (let count = <u32>load<u16>(COUNTS + (length << 1)); count > 0; count--) {
      const entry = load<u32>(base + (<u32>load<u16>(sorted) << 2));
      sorted += 2;
      if ((code & (tableSize - 1)) != prefix) {
        prefix = code & (tableSize - 1);
        // Index bits for the codes with this prefix if they fill the subtable: those of this length, then longer
        // ones.
        let bits = length - tableBits;
        let room: i32 = (1 << bits) - count;
        while (room > 0) {
          bits++;
          room = (room << 1) - <u32>load<u16>(COUNTS + ((tableBits + bits) << 1));
        }
        subtable = tableEnd;
        subtableSize = 1 << bits;
        tableEnd += subtableSize;
        store<u32>(table + (prefix << 2), (subtable << 16) | SUBTABLE | EXCEPTION | (bits << 8) | tableBits);
      }
      const packed = packEntry(entry, length - tableBits);
      const step: u32 = 1 << (length - tableBits);
      for (let i = code >> tableBits; i < subtableSize; i += step) store<u32>(table + ((subtable + i) << 2), packed);
      code = nextCode(code, 1 << length);
    }
  }
  return true;
}

/** Returns the code after `code`: adds one at the highest of the bits below `size`, with the carry going down. */
@inline
function nextCode(code: u32, size: u32): u32 {
  const bit: u32 = 0x80000000 >> clz(code ^ (size - 1));
  return (code & (bit - 1)) | bit;
}

/** Combines the base entry of a symbol (see `initialize`) with the length of its code. */
@inline
function packEntry(entry: u32, length: u32): u32 {
  return entry + length + ((length + 2) << 8);
}

// ---------------------------------------------------------------------------------------------------- symbols

// A refill of the fast loop loads 8 bytes. Each iteration has up to two refills and each consumes at most 7 bytes.
const FAST_INPUT_MARGIN: usize = 32;

/** Decodes literals and matches until the end of the block or of a buffer. */
function decodeCodes(): i32 {
  while (true) {
    if (outputPosition >= outputLimit) return NEED_OUTPUT;
    if (inputPosition + FAST_INPUT_MARGIN < inputEnd) {
      const status = decodeFast();
      if (status == OK) return OK;
      if (status == NEED_INPUT) continue;
      // The position of a fault must not depend on how much input there is: decode again up to it, symbol by symbol.
      while (decodeOne() == OK) {}
    }
    const status = decodeOne();
    if (status != OK) return status;
    if (mode != MODE_CODES) return OK;
  }
}

/** Decodes one symbol, or nothing if the input ends within it. */
function decodeOne(): i32 {
  fillBits();
  let bits = bitBuffer;
  let used: u32 = 0;
  let entry = load<u32>((<u32>bits & ((1 << LITLEN_BITS) - 1)) << 2, LITLEN_TABLE);
  if (entry & SUBTABLE) {
    bits >>= LITLEN_BITS;
    used = LITLEN_BITS;
    entry = load<u32>(((entry >> 16) + (<u32>bits & ((1 << ((entry >> 8) & 15)) - 1))) << 2, LITLEN_TABLE);
  }
  if (bitCount < used + (entry & 63)) return NEED_INPUT;
  if (entry & LITERAL) {
    store<u8>(outputPosition++, <u8>(entry >> 16));
    dropBits(used + (entry & 63));
    return OK;
  }
  let length = entry >> 16;
  if (entry & EXCEPTION) {
    if (entry & INVALID) return BAD_LITLEN_SYMBOL;
    if (entry & END_OF_BLOCK) {
      dropBits(used + (entry & 63));
      endBlock();
      return OK;
    }
    length += extraOf(bits << 2, entry);
  }
  bits >>= <u64>(entry & 63);
  used += entry & 63;
  entry = load<u32>((<u32>bits & ((1 << DISTANCE_BITS) - 1)) << 2, DISTANCE_TABLE);
  if (entry & SUBTABLE) {
    bits >>= DISTANCE_BITS;
    used += DISTANCE_BITS;
    entry = load<u32>(((entry >> 16) + (<u32>bits & ((1 << ((entry >> 8) & 15)) - 1))) << 2, DISTANCE_TABLE);
  }
  if (bitCount < used + (entry & 63)) return NEED_INPUT;
  if (entry & EXCEPTION) return BAD_DISTANCE_SYMBOL;
  const distance = (entry >> 16) + extraOf(bits << 2, entry);
  if (outputPosition - distance < outputFloor) return DISTANCE_TOO_FAR;
  dropBits(used + (entry & 63));
  copyMatch(outputPosition, distance, length);
  outputPosition += length;
  return OK;
}

/** Returns the value of the extra bits after the code of a length or distance. Two bits precede the code in `bits`. */
@inline
function extraOf(bits: u64, entry: u32): u32 {
  return <u32>((bits & ((<u64>4 << <u64>entry) - 1)) >> <u64>(entry >> 8));
}

/**
 * Decodes symbols while both buffers have room for the worst case of an iteration.
 *
 * Here `bits` is the bit buffer shifted left by two, with two undefined bits below, and `count` is the number of valid
 * bits plus two, so that masking the buffer yields the byte offset of a table entry. After a refill, at least 54 bits
 * are valid. Only the low six bits of `count` are correct, because whole entries are subtracted from it. `entry` is
 * looked up before a refill, so that the processor need not wait for it.
 * @returns NEED_INPUT if a buffer has no more room. For invalid data, nothing was decoded
 */
function decodeFast(): i32 {
  const inputLimit = inputEnd - FAST_INPUT_MARGIN;
  const limit = outputLimit;
  const floor = outputFloor;
  let input = inputPosition - (bitCount >> 3);
  let output = outputPosition;
  let bits = (bitBuffer & ((<u64>1 << <u64>(bitCount & 7)) - 1)) << 2;
  let count = (bitCount & 7) + 2;
  let status = NEED_INPUT;

  bits |= load<u64>(input) << <u64>count;
  input += (~count >> 3) & 7;
  count |= 56;
  let entry = load<u32>(<u32>bits & (((1 << LITLEN_BITS) - 1) << 2), LITLEN_TABLE);
  // The limits are checked in two branches: as one condition, they would become eight instructions.
  do {
    // Two literals need at most 22 of the 54 bits, and leave the 20 that a length may need and the 9 of an index.
    if (entry & LITERAL) {
      store<u8>(output++, <u8>(entry >> 16));
      bits >>= <u64>entry;
      count -= entry;
      entry = load<u32>(<u32>bits & (((1 << LITLEN_BITS) - 1) << 2), LITLEN_TABLE);
      if (entry & LITERAL) {
        store<u8>(output++, <u8>(entry >> 16));
        bits >>= <u64>entry;
        count -= entry;
        entry = load<u32>(<u32>bits & (((1 << LITLEN_BITS) - 1) << 2), LITLEN_TABLE);
        if (entry & LITERAL) {
          store<u8>(output++, <u8>(entry >> 16));
          bits >>= <u64>entry;
          count -= entry;
          entry = load<u32>(<u32>bits & (((1 << LITLEN_BITS) - 1) << 2), LITLEN_TABLE);
          bits |= load<u64>(input) << <u64>count;
          input += (~count >> 3) & 7;
          count |= 56;
          if (input >= inputLimit) break;
          continue;
        }
      }
    }
    let length = entry >> 16;
    if (entry & EXCEPTION) {
      if (entry & SUBTABLE) {
        bits >>= <u64>entry;
        count -= entry;
        entry = load<u32>(((entry >> 16) << 2) + (<u32>bits & (((1 << ((entry >> 8) & 15)) - 1) << 2)), LITLEN_TABLE);
        length = entry >> 16;
        if (entry & LITERAL) {
          store<u8>(output++, <u8>(entry >> 16));
          bits >>= <u64>entry;
          count -= entry;
          entry = load<u32>(<u32>bits & (((1 << LITLEN_BITS) - 1) << 2), LITLEN_TABLE);
          bits |= load<u64>(input) << <u64>count;
          input += (~count >> 3) & 7;
          count |= 56;
          if (input >= inputLimit) break;
          continue;
        }
      }
      if (entry & (END_OF_BLOCK | INVALID)) {
        if (entry & END_OF_BLOCK) {
          bits >>= <u64>entry;
          count -= entry;
          endBlock();
          status = OK;
        } else {
          status = BAD_LITLEN_SYMBOL;
        }
        break;
      }
      if (entry & EXTRA) length += extraOf(bits, entry);
    }
    bits >>= <u64>entry;
    count -= entry;
    // A distance may need 28 bits, and leaves the 11 of an index.
    entry = load<u32>(<u32>bits & (((1 << DISTANCE_BITS) - 1) << 2), DISTANCE_TABLE);
    bits |= load<u64>(input) << <u64>count;
    input += (~count >> 3) & 7;
    count |= 56;
    if (entry & EXCEPTION) {
      if (entry & SUBTABLE) {
        bits >>= <u64>entry;
        count -= entry;
        entry = load<u32>(((entry >> 16) << 2) + (<u32>bits & (((1 << ((entry >> 8) & 15)) - 1) << 2)), DISTANCE_TABLE);
      }
      if (entry & EXCEPTION) {
        status = BAD_DISTANCE_SYMBOL;
        break;
      }
    }
    const distance = (entry >> 16) + extraOf(bits, entry);
    bits >>= <u64>entry;
    count -= entry;
    if (output - distance < floor) {
      status = DISTANCE_TOO_FAR;
      break;
    }
    entry = load<u32>(<u32>bits & (((1 << LITLEN_BITS) - 1) << 2), LITLEN_TABLE);
    bits |= load<u64>(input) << <u64>count;
    input += (~count >> 3) & 7;
    count |= 56;
    copyMatch(output, distance, length);
    output += length;
    if (input >= inputLimit) break;
  } while (output < limit);
  if (status < 0) return status;

  inputPosition = input;
  outputPosition = output;
  bitCount = (count & 63) - 2;
  bitBuffer = (bits >> 2) & ((<u64>1 << <u64>bitCount) - 1);
  return status;
}

/** Copies `length` bytes (3 to 258) from `distance` before `target`. Writes up to 31 bytes more. */
@inline
function copyMatch(target: usize, distance: u32, length: u32): void {
  const end = target + length;
  if (distance >= 16) {
    let source = target - distance;
    v128.store(target, v128.load(source));
    v128.store(target, v128.load(source, 16), 16);
    if (length > 32) {
      do {
        v128.store(target, v128.load(source, 32), 32);
        v128.store(target, v128.load(source, 48), 48);
        target += 32;
        source += 32;
      } while (target + 32 < end);
    }
  } else {
    // The pattern repeats within a vector: store that vector repeatedly, at steps of a multiple of the distance.
    const pattern = v128.swizzle(v128.load(target - distance), v128.load(distance << 4, PATTERNS));
    const step = <usize>load<u8>(distance, STEPS);
    do {
      v128.store(target, pattern);
      target += step;
    } while (target < end);
  }
}

// ---------------------------------------------------------------------------------------------------- CRC-32
// WebAssembly has no carry-less multiplication. But the CRC does not change if a byte is added (xor) to three later bytes
// and then cleared, if the sum of x^(-8 d) over their distances d is 1 modulo the polynomial of the CRC. This folds a
// message of any length into its last bytes, 16 at a time and without tables. Of 25 such triples with distances from 512
// to 9000 bytes, this one has the smallest maximum. ("Chorba", Russell 2024, folds by bits, in the same way.)

const FOLD_1: usize = 1927;
const FOLD_2: usize = 2181;
const FOLD_3: usize = 4018;
/** Bytes into which a message is folded: `FOLD_3`, rounded up to a multiple of 16. */
const FOLDED_SIZE: usize = 4032;

// The sums of all bytes of the message, from FOLDED_START on. The last FOLDED_SIZE of them are kept before it, and as many
// zeros before those are needed at the end.
const FOLDED_START: usize = FOLDED + 2 * FOLDED_SIZE;
const FOLDED_END: usize = 0x10000;

/** Address of the next sum. */
let foldedPosition: usize = FOLDED_START;

/** Size of the result of `finishCrc`. @returns bytes */
export function foldedSize(): usize {
  return FOLDED_SIZE;
}

/** Starts a message: with four bytes that turn an initial value of 0 into that of gzip, 0xffffffff. */
function resetCrc(): void {
  memory.fill(FOLDED_START - FOLDED_SIZE, 0, FOLDED_SIZE);
  store<u32>(FOLDED_START - 4, 0x9226f562);
  foldedPosition = FOLDED_START;
}

/** Adds the bytes from `source` to `end` to the message. */
export function addToCrc(source: usize, end: usize): void {
  while (source < end) {
    if (foldedPosition == FOLDED_END) {
      memory.copy(FOLDED_START - FOLDED_SIZE, FOLDED_END - FOLDED_SIZE, FOLDED_SIZE);
      foldedPosition = FOLDED_START;
    }
    const limit = source + min<usize>(end - source, FOLDED_END - foldedPosition);
    let target = foldedPosition - FOLD_3;
    for (; source + 16 <= limit; source += 16, target += 16) fold(target, v128.load(source));
    for (; source < limit; source++, target++) {
      const far = load<u8>(target) ^ load<u8>(target, FOLD_3 - FOLD_2);
      store<u8>(target, load<u8>(source) ^ load<u8>(target, FOLD_3 - FOLD_1) ^ far, FOLD_3);
    }
    foldedPosition = target + FOLD_3;
  }
}

/**
 * Ends the message.
 * @returns the address of `FOLDED_SIZE` bytes. Their CRC-32, with the initial value 0, is that of the message
 */
export function finishCrc(): usize {
  const start = foldedPosition - FOLDED_SIZE;
  // The bytes before `start` are cleared. Those after it must not be added to others: adding them again removes them.
  memory.fill(start - FOLDED_SIZE, 0, FOLDED_SIZE);
  for (let at = foldedPosition - 16; at >= start; at -= 16) fold(at - FOLD_3, v128.load(at));
  return start;
}

/** Adds `bytes` to the sums at the three distances before `target + FOLD_3`, and stores the result there. */
@inline
function fold(target: usize, bytes: v128): void {
  const far = v128.xor(v128.load(target), v128.load(target, FOLD_3 - FOLD_2));
  v128.store(target, v128.xor(v128.xor(bytes, v128.load(target, FOLD_3 - FOLD_1)), far), FOLD_3);
}

// ---------------------------------------------------------------------------------------------------- constants

/** Initializes the constant tables. */
function initialize(): void {
  for (let symbol: u32 = 0; symbol < 256; symbol++) {
    store<u32>(LITLEN_BASE + (symbol << 2), LITERAL | (symbol << 16));
  }
  store<u32>(LITLEN_BASE + (256 << 2), EXCEPTION | END_OF_BLOCK);
  // RFC 1951, 3.2.5: lengths 3 to 10 have no extra bits, each next group of four symbols has one more. 258 is special.
  let length: u32 = 3;
  for (let symbol: u32 = 257; symbol < 285; symbol++) {
    const extra: u32 = symbol < 265 ? 0 : (symbol - 261) >> 2;
    store<u32>(LITLEN_BASE + (symbol << 2), (length << 16) | extra | (extra ? EXCEPTION | EXTRA : 0));
    length += 1 << extra;
  }
  store<u32>(LITLEN_BASE + (285 << 2), 258 << 16);
  store<u32>(LITLEN_BASE + (286 << 2), EXCEPTION | INVALID);
  store<u32>(LITLEN_BASE + (287 << 2), EXCEPTION | INVALID);

  let distance: u32 = 1;
  for (let symbol: u32 = 0; symbol < 30; symbol++) {
    const extra: u32 = symbol < 4 ? 0 : (symbol - 2) >> 1;
    store<u32>(DISTANCE_BASE + (symbol << 2), (distance << 16) | extra);
    distance += 1 << extra;
  }
  store<u32>(DISTANCE_BASE + (30 << 2), EXCEPTION | INVALID);
  store<u32>(DISTANCE_BASE + (31 << 2), EXCEPTION | INVALID);

  for (let symbol: u32 = 0; symbol < 19; symbol++) store<u32>(PRECODE_BASE + (symbol << 2), symbol << 16);
  // 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1 15
  store<u64>(PRECODE_ORDER, 0x0609070800121110);
  store<u64>(PRECODE_ORDER + 8, 0x020d030c040b050a);
  store<u32>(PRECODE_ORDER + 16, 0x000f010e);

  for (let distance: u32 = 1; distance < 16; distance++) {
    for (let i: u32 = 0; i < 16; i++) store<u8>(PATTERNS + (distance << 4) + i, <u8>(i % distance));
    store<u8>(STEPS + distance, <u8>(16 - (16 % distance)));
  }
}

initialize();
