import { OciError } from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import type { NotRecognized, NotRecognizedReason } from './recognition.ts';

/** Says that an image is to be indexed, and why. */
export function notRecognized(reason: NotRecognizedReason, message: string): NotRecognized {
  return { outcome: 'not-current', reason, message };
}

/**
 * Recognizes, and takes an error that says something about content for an answer: indexing anew will tell more of it.
 * Others, such as those of the way to the content, are passed on.
 */
export async function orNotRecognized<T>(recognize: () => Promise<T | NotRecognized>): Promise<T | NotRecognized> {
  try {
    return await recognize();
  } catch (error) {
    if (error instanceof OciError || (error instanceof SociIndexError && UNREADABLE.has(error.code))) {
      return notRecognized('unreadable', error.message);
    }
    if (error instanceof SociIndexError && error.code !== 'OPTION_INVALID') {
      return notRecognized('not-convertible', error.message);
    }
    throw error;
  }
}

const UNREADABLE: ReadonlySet<string> = new Set(['LIMIT_EXCEEDED', 'MANIFEST_INVALID', 'SOCI_INDEX_INVALID']);
