import { type TarContents, type TarLimits, TarScanner } from './tar-scanner.ts';

/**
 * Reads a tar stream to its end and lists its entries exactly as the zTOC of a layer does.
 * @param chunks The uncompressed stream, in chunks of any size. Each may be overwritten once the next one is asked for.
 * @param limits Bounds on what a hostile stream may cost. @default as for `buildZtoc`
 * @throws {ZtocError} `TAR_*` if Go's archive/tar refuses the stream, `LIMIT_EXCEEDED`. Also what `chunks` throws.
 */
export async function scanTar(chunks: AsyncIterable<Uint8Array>, limits: TarLimits = {}): Promise<TarContents> {
  const scanner = new TarScanner(limits);
  for await (const chunk of chunks) scanner.push(chunk);
  return scanner.finish();
}
