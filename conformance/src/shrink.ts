import { type Content, EMPTY } from './layer/content.ts';
import type { Encoder, Member } from './layer/encoder.ts';
import type { LayerCase } from './layer/layer-case.ts';
import type { TarEntry } from './layer/tar.ts';

/** Maximum number of simpler cases that are tried for one difference. */
const MAX_ATTEMPTS = 600;
/** Preferred span sizes, the simplest first. */
const SPAN_SIZES = [65_536, 4096, 1];

/**
 * Finds the simplest case that still shows a difference, by repeated small simplifications.
 *
 * @param shows Reports whether a case shows the difference.
 */
export async function shrinkCase(
  start: LayerCase,
  shows: (layerCase: LayerCase) => Promise<boolean>,
): Promise<LayerCase> {
  let best = start;
  let attempts = 0;
  for (let improved = true; improved; ) {
    improved = false;
    for (const candidate of simplerCases(best)) {
      if (attempts++ >= MAX_ATTEMPTS) return best;
      if (await shows(candidate)) {
        best = candidate;
        improved = true;
        break;
      }
    }
  }
  return best;
}

/** Yields cases that are one step simpler, the largest steps first. */
function* simplerCases(layerCase: LayerCase): Generator<LayerCase> {
  const { tar, encoder, corruptions } = layerCase;
  if (corruptions.length > 0) yield { ...layerCase, corruptions: [] };
  if (tar.corruptions.length > 0) yield { ...layerCase, tar: { ...tar, corruptions: [] } };
  for (const simpler of simplerEncoders(encoder)) yield { ...layerCase, encoder: simpler };
  for (const entries of shorterLists(tar.entries)) yield { ...layerCase, tar: { ...tar, entries } };
  for (const [i, entry] of tar.entries.entries()) {
    for (const simpler of simplerEntries(entry))
      yield { ...layerCase, tar: { ...tar, entries: tar.entries.with(i, simpler) } };
  }
  if (tar.after.size > 0) yield { ...layerCase, tar: { ...tar, after: EMPTY } };
  if (tar.endBlocks !== 2) yield { ...layerCase, tar: { ...tar, endBlocks: 2 } };
  if (layerCase.chunking.kind !== 'whole') yield { ...layerCase, chunking: { kind: 'whole' } };
  const preferred = SPAN_SIZES.indexOf(layerCase.spanSize);
  for (const spanSize of SPAN_SIZES.slice(0, preferred < 0 ? undefined : preferred)) yield { ...layerCase, spanSize };
  if (layerCase.tool !== 'AWS SOCI CLI v0.2') yield { ...layerCase, tool: 'AWS SOCI CLI v0.2' };
}

/** Yields the list without each half, then without each quarter, and so on down to single items. */
function* shorterLists<T>(list: readonly T[]): Generator<readonly T[]> {
  const seen = new Set<number>();
  for (const parts of [2, 4, 16, list.length]) {
    const size = Math.ceil(list.length / parts);
    if (size === 0 || seen.has(size)) continue;
    seen.add(size);
    for (let at = 0; at < list.length; at += size) yield [...list.slice(0, at), ...list.slice(at + size)];
  }
}

function* simplerEntries(entry: TarEntry): Generator<TarEntry> {
  const { dialect, type, name, content, pax } = entry;
  const plain: TarEntry = { dialect: 'ustar', type: '0', name: 'a', content };
  if (JSON.stringify(plain) !== JSON.stringify(entry)) yield plain;
  for (const simpler of simplerContents(content)) yield { ...entry, content: simpler };
  if (Object.keys(entry).length > 4) yield { dialect, type, name, content };
  for (const optional of [
    'fields',
    'pax',
    'linkName',
    'userName',
    'groupName',
    'padding',
    'sizeStyle',
    'signedChecksum',
    'longNames',
    'bodyPrefix',
  ] as const) {
    if (entry[optional] === undefined) continue;
    const { [optional]: _, ...rest } = entry;
    yield rest;
  }
  if (pax !== undefined) for (const fewer of shorterLists(pax)) yield { ...entry, pax: fewer };
  for (const field of Object.keys(entry.fields ?? {})) {
    const { [field]: _, ...fields } = entry.fields as Record<string, string>;
    yield { ...entry, fields };
  }
  if (name.length > 1) {
    yield { ...entry, name: name.slice(0, name.length / 2) };
    yield { ...entry, name: name.slice(0, -1) };
  }
}

function* simplerContents(content: Content): Generator<Content> {
  if (content.size === 0) return;
  yield EMPTY;
  for (const divisor of [16, 2, 1.1]) {
    const size = Math.floor(content.size / divisor);
    if (size < content.size) yield { ...content, size };
  }
  if (content.kind !== 'zeros') yield { ...content, kind: 'zeros' };
}

function* simplerEncoders(encoder: Encoder): Generator<Encoder> {
  if (encoder.kind === 'none') return;
  const { members } = encoder;
  const simplest: Member = {
    by: 'zlib',
    header: {},
    level: 6,
    strategy: 0,
    memLevel: 8,
    windowBits: 15,
    flushes: [],
    share: 1,
  };
  if (members.length > 1 || JSON.stringify(members[0]) !== JSON.stringify(simplest))
    yield { kind: 'gzip', members: [simplest] };
  if (members.length > 1)
    for (const fewer of shorterLists(members)) if (fewer.length > 0) yield { kind: 'gzip', members: fewer };
  for (const [i, member] of members.entries()) {
    for (const simpler of simplerMembers(member)) yield { kind: 'gzip', members: members.with(i, simpler) };
  }
}

function* simplerMembers(member: Member): Generator<Member> {
  if (member.by === 'hand') {
    if (member.blocks > 1) {
      yield { ...member, blocks: 1 };
      yield { ...member, blocks: Math.ceil(member.blocks / 2) };
      yield { ...member, blocks: member.blocks - 1 };
    }
    if (member.types.length > 1) for (const type of member.types) yield { ...member, types: [type] };
    if (member.spareSymbols) yield { ...member, spareSymbols: false };
    if (member.matches !== 'none') yield { ...member, matches: 'none' };
    if (member.codes !== 'huffman') yield { ...member, codes: 'huffman' };
    if (member.emptyBlocks > 0) yield { ...member, emptyBlocks: 0 };
  }
  if (member.by === 'zlib' && member.flushes.length > 0)
    for (const flushes of shorterLists(member.flushes)) yield { ...member, flushes };
  if ((member.by === 'zlib' || member.by === 'hand') && Object.keys(member.header).length > 0) {
    yield { ...member, header: {} };
    for (const part of Object.keys(member.header)) {
      const { [part]: _, ...header } = member.header as Record<string, unknown>;
      yield { ...member, header };
    }
  }
}
