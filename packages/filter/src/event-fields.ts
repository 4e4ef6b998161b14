// Schemas for the fields of an event, and the field values of images. Every pattern is anchored and backtracks at most to its
// last separator.
import * as v from 'valibot';

/** `result` or `sync-status` of a successful action. */
export const SUCCESS = 'SUCCESS';

/** `action-type` of a push. */
export const PUSH = 'PUSH';

/** `manifest-media-type` of images and image indexes, and also of most artifacts. */
export const IMAGE_MANIFEST_TYPES: readonly string[] = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

/**
 * `artifact-media-type` of images: the media type of the config in the manifest. SOCI indexes, attestations, Helm charts and
 * other artifacts have a different one. Image indexes have no config, so their events lack this field.
 */
export const IMAGE_CONFIG_TYPES: readonly string[] = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
];

const TIME_PATTERN = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/** An account id. */
export const ACCOUNT = field(/^\d{12}$/, 12, 'an account id of 12 digits');
/** A Region of any partition. */
export const REGION = field(/^[a-z]{2,8}(?:-[a-z]{2,16}){1,3}-\d{1,2}$/, 48, 'a region such as eu-central-1');
/** @see Amazon ECR API reference, CreateRepository. The distribution specification also allows `__` and `--`. */
export const REPOSITORY = field(
  /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/,
  256,
  'a repository name: up to 256 lower-case letters, digits, and single . _ - / between them',
);
/** Amazon ECR supports only sha256. */
export const DIGEST = field(/^sha256:[0-9a-f]{64}$/, 71, 'sha256: and 64 lower-case hex digits');
/** Empty for an untagged image. @see distribution-spec v1.1, "Pulling manifests" */
export const TAG = field(
  /^(?:\w[\w.-]{0,127})?$/,
  128,
  'an empty string, or a tag: up to 128 letters, digits, _ . -, not starting with . or -',
);
/** A media type or an empty string. Its syntax is not checked: a client can push a malformed one in a valid event. */
export const MEDIA_TYPE = field(/^[\x20-\x7e]*$/, 512, 'up to 512 printable ASCII characters');
/** An action or a result: `PUSH`, `SUCCESS`. */
export const WORD = field(/^[A-Z][A-Z_]*$/, 64, 'up to 64 upper-case letters and _');
/** Event id of EventBridge. */
export const EVENT_ID = field(/^[\dA-Za-z-]+$/, 64, 'up to 64 letters, digits and -');
/** Time of the event. */
export const TIME = v.pipe(
  v.string('a time such as 2026-11-23T08:00:00Z'),
  v.check((text) => TIME_PATTERN.test(text) && !Number.isNaN(Date.parse(text)), 'a time such as 2026-11-23T08:00:00Z'),
);
/** Version of the event format or of a rule. */
export const VERSION = field(/^\d+$/, 8, 'up to 8 digits');
/** Other text. */
export const TEXT = field(/^[^\0]*$/, 2048, 'up to 2,048 characters');
/** ARNs of the resources of the event. */
export const RESOURCES = v.pipe(v.array(TEXT, 'an array'), v.maxLength(100, 'at most 100 resources'));

/** Returns a schema that accepts only the given strings. */
export function oneOf(values: readonly string[]) {
  return v.picklist(values, values.map((value) => JSON.stringify(value)).join(' or '));
}

/** Returns a schema for a JSON object with these entries. Other entries are allowed. */
export function jsonObject<Entries extends v.ObjectEntries>(entries: Entries) {
  return v.pipe(v.custom<object>(isJsonObject, 'a JSON object'), v.object(entries));
}

/** Returns whether a value of parsed JSON is an object. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns a schema for text that matches `pattern`. The length is checked first. */
function field(pattern: RegExp, maxLength: number, expected: string) {
  return v.pipe(
    v.string(expected),
    v.check((text) => text.length <= maxLength && pattern.test(text), expected),
  );
}
