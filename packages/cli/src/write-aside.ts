import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Writes a file that is complete or absent: under another name beside it, then renamed. What stood there before stays
 * until the new one is whole. Nothing is left behind on failure.
 */
export async function writeAside(path: string, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
  const aside = asideName(path);
  try {
    const file = await open(aside, 'wx');
    try {
      if (content instanceof Uint8Array) await file.writeFile(content);
      else for await (const chunk of content) await file.writeFile(chunk);
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}

/** A name beside `path`, for what is not complete yet: hidden, and unlike any other. */
export function asideName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.partial`);
}
