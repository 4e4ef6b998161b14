import { deflateSync } from 'node:zlib';
import { type GzipHeader, renderMember } from './gzip-member.ts';
import { type HandDeflate, renderHandDeflate } from './hand-deflate.ts';
import { type ProgramName, runProgram } from './programs.ts';
import { renderZlib, type ZlibDeflate } from './zlib-deflate.ts';

/** How one member is compressed. All but the first two include their own header. */
export type MemberMaker =
  | ({ readonly by: 'zlib'; readonly header: GzipHeader } & ZlibDeflate)
  | ({ readonly by: 'hand'; readonly header: GzipHeader } & HandDeflate)
  | { readonly by: 'go'; readonly level: number; readonly flushEvery: number }
  | { readonly by: 'program'; readonly program: ProgramName; readonly arguments: readonly string[] }
  | { readonly by: 'zlib-wrapper' };

/** A member, and its share of the archive's bytes. A member with share 0 is empty. */
export type Member = { readonly share: number } & MemberMaker;

/** How an archive becomes a layer blob. */
export type Encoder = { readonly kind: 'none' } | { readonly kind: 'gzip'; readonly members: readonly Member[] };

/** Compresses with Go, which may not be installed. */
export type GoCompressor = (data: Uint8Array, level: number, flushEvery: number) => Promise<Uint8Array>;

/** Encodes an archive as a layer blob. */
export async function renderLayer(
  encoder: Encoder,
  archive: Uint8Array,
  compressWithGo: GoCompressor,
): Promise<Uint8Array> {
  if (encoder.kind === 'none') return archive;
  const total = encoder.members.reduce((sum, member) => sum + member.share, 0);
  const parts: Uint8Array[] = [];
  let passed = 0;
  let at = 0;
  for (const member of encoder.members) {
    passed += member.share;
    const end = total === 0 ? 0 : Math.round((passed / total) * archive.length);
    parts.push(await renderPart(member, archive.subarray(at, end), compressWithGo));
    at = end;
  }
  return Buffer.concat(parts);
}

async function renderPart(maker: MemberMaker, data: Uint8Array, compressWithGo: GoCompressor): Promise<Uint8Array> {
  switch (maker.by) {
    case 'zlib':
      return renderMember(maker.header, await renderZlib(maker, data), data);
    case 'hand':
      return renderMember(maker.header, renderHandDeflate(maker, data), data);
    case 'go':
      return compressWithGo(data, maker.level, maker.flushEvery);
    case 'program':
      return runProgram(maker.program, maker.arguments, data);
    case 'zlib-wrapper':
      return deflateSync(data);
  }
}
