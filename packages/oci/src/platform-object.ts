import { asObject, optionalString, optionalStrings, stringField } from './document.ts';
import type { Platform } from './platform.ts';

/**
 * Checks a parsed JSON value and makes a platform of it, as it stands: nothing is normalized.
 *
 * @throws OciError `MANIFEST_INVALID`
 * @see OCI image-spec v1.1, image-index.md, `platform`
 */
export function parsePlatformObject(value: unknown, where: string): Platform {
  const object = asObject(value, where);
  const version = optionalString(object, 'os.version', where);
  const features = optionalStrings(object, 'os.features', where);
  const variant = optionalString(object, 'variant', where);
  return {
    architecture: stringField(object, 'architecture', where),
    os: stringField(object, 'os', where),
    ...(version && { 'os.version': version }),
    ...(features && { 'os.features': features }),
    ...(variant && { variant }),
  };
}
