import { SociIndexError, type SociIndexErrorCode } from '@soci/index';
import { OciError, type OciErrorCode } from '@soci/oci';
import { RegistryError, type RegistryErrorCode } from '@soci/registry';
import { FunctionError, type FunctionErrorCode } from '../errors.ts';
import { type Failed, type FailReason, failed, type Skipped, skipped } from './outcome.ts';

type Reasons<Code extends string> = Readonly<Partial<Record<Code, FailReason>>>;

const OWN: Reasons<FunctionErrorCode> = { DEADLINE_NEAR: 'deadline', INDEX_NOT_PROVED: 'not-proved' };

const REGISTRY: Reasons<RegistryErrorCode> = {
  ACCESS_DENIED: 'access-denied',
  LIMIT_EXCEEDED: 'refused',
  MANIFEST_REFUSED: 'refused',
  REDIRECT_REFUSED: 'refused',
  TAG_IMMUTABLE: 'tag-immutable',
  UNSUPPORTED: 'refused',
  UPLOAD_REFUSED: 'refused',
};

/** Content that is not what its digest says has been spoilt on its way: it is read again. */
const CONTENT: Reasons<OciErrorCode> = {
  DIGEST_INVALID: 'image-invalid',
  LIMIT_EXCEEDED: 'image-invalid',
  MANIFEST_INVALID: 'image-invalid',
  PLATFORM_INVALID: 'image-invalid',
};

const IMAGE: Reasons<SociIndexErrorCode> = {
  ALREADY_CONVERTED: 'image-invalid',
  LAYER_INVALID: 'image-invalid',
  LAYER_TYPE_INVALID: 'image-invalid',
  LIMIT_EXCEEDED: 'image-invalid',
  MANIFEST_INVALID: 'image-invalid',
  PLATFORM_MISSING: 'image-invalid',
  PLATFORM_NOT_FOUND: 'image-invalid',
  SOCI_INDEX_INVALID: 'image-invalid',
};

/**
 * What an error comes to that trying again would not mend; undefined where it may: a connection that broke, a registry that
 * is busy, and whatever is not known here.
 */
export function permanentOutcome(error: unknown): Failed | Skipped | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof OciError && error.code === 'NOT_FOUND') {
    return skipped('gone', `the image, or a part of it, is not there any more: ${error.message}`);
  }
  const reason = reasonOf(error);
  return reason && failed(reason, error.message);
}

function reasonOf(error: Error): FailReason | undefined {
  if (error instanceof FunctionError) return OWN[error.code];
  if (error instanceof RegistryError) return REGISTRY[error.code];
  if (error instanceof OciError) return CONTENT[error.code];
  if (error instanceof SociIndexError) return IMAGE[error.code];
  return undefined;
}
