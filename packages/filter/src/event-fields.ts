// The form of each field of an event, and the values that an image has. Every pattern is anchored and backtracks at most to
// its last separator.
import * as v from 'valibot';

/** `result` or `sync-status` of an action that succeeded. */
export const SUCCESS = 'SUCCESS';

/** `action-type` of a push. */
export const PUSH = 'PUSH';

/** `manifest-media-type` of images and image indexes, and of most artifacts too. */
export const IMAGE_MANIFEST_TYPES: readonly string[] = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

/**
 * `artifact-media-type` of images: the type of the configuration that their manifest names. SOCI indexes, attestations, Helm
 * charts and the like have another. Image indexes have no configuration, and their events lack the key.
 */
export const IMAGE_CONFIG_TYPES: readonly string[] = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
];

const TIME_PATTERN = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/** An account's number. */
export const ACCOUNT = field(/^\d{12}$/, 12, 'the 12 digits of an account');
/** A region of any partition. */
export const REGION = field(/^[a-z]{2,8}(?:-[a-z]{2,16}){1,3}-\d{1,2}$/, 48, 'a region such as eu-central-1');
/** @see Amazon ECR API reference, CreateRepository; `__` and `--` are the distribution specification's */
export const REPOSITORY = field(
  /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/,
  256,
  'a repository name: up to 256 lower-case letters, digits, and single . _ - / between them',
);
/** The only algorithm of Amazon ECR is sha256. */
export const DIGEST = field(/^sha256:[0-9a-f]{64}$/, 71, 'sha256: and 64 lower-case hex digits');
/** An untagged image has an empty one. @see distribution-spec v1.1, "Pulling manifests" */
export const TAG = field(
  /^(?:\w[\w.-]{0,127})?$/,
  128,
  'nothing, or a tag: up to 128 letters, digits, _ . -, the last two not first',
);
/** A media type, or nothing: anybody can push one that is malformed, which is no fault of the event's. */
export const MEDIA_TYPE = field(/^[\x20-\x7e]*$/, 512, 'up to 512 characters of ASCII');
/** What was done, or how it ended: `PUSH`, `SUCCESS`. */
export const WORD = field(/^[A-Z][A-Z_]*$/, 64, 'a word of upper-case letters, up to 64');
/** EventBridge's number for the event. */
export const EVENT_ID = field(/^[\dA-Za-z-]+$/, 64, 'up to 64 letters, digits and -');
/** When it happened. */
export const TIME = v.pipe(
  v.string('a time such as 2026-11-23T08:00:00Z'),
  v.check((text) => TIME_PATTERN.test(text) && !Number.isNaN(Date.parse(text)), 'a time such as 2026-11-23T08:00:00Z'),
);
/** A number of digits: the version of the envelope or of a rule. */
export const VERSION = field(/^\d+$/, 8, 'up to 8 digits');
/** Text without a form of its own. */
export const TEXT = field(/^[^\0]*$/, 2048, 'text of up to 2,048 characters');
/** What the event is about, by ARN. */
export const RESOURCES = v.pipe(v.array(TEXT, 'an array'), v.maxLength(100, 'at most 100 resources'));

/** One of these texts. */
export function oneOf(texts: readonly string[]) {
  return v.picklist(texts, texts.map((text) => JSON.stringify(text)).join(' or '));
}

/** A JSON object with these entries, whatever else it has. */
export function jsonObject<Entries extends v.ObjectEntries>(entries: Entries) {
  return v.pipe(v.custom<object>(isJsonObject, 'a JSON object'), v.object(entries));
}

/** Whether a value of parsed JSON is an object. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Text of at most `longest` characters that matches; its length is looked at first. */
function field(pattern: RegExp, longest: number, expected: string) {
  return v.pipe(
    v.string(expected),
    v.check((text) => text.length <= longest && pattern.test(text), expected),
  );
}
