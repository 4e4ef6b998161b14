import { FilterError } from './errors.ts';
import { quoteText } from './escape-text.ts';

/** Default output tag, the same as that of AWS's SOCI Index Builder. */
export const DEFAULT_OUTPUT_TAG = '{tag}-soci';

/** Default output tag for an image that is given by its digest. */
export const DIGEST_OUTPUT_TAG = 'soci-{digest12}';

/** Output tag for an untagged SOCI-enabled image. */
export const NO_OUTPUT_TAG = 'none';

const PLACEHOLDER = /\{[^}]*\}/g;

/** Number of hex digits for `{digest12}`. */
const SHORT_DIGEST_LENGTH = 12;

/** Pattern of the value of `{digest12}`. */
const SHORT_DIGEST = `[0-9a-f]{${SHORT_DIGEST_LENGTH}}`;

/** @see OCI distribution-spec v1.1, "Pulling manifests" */
const TAG = /^\w[\w.-]{0,127}$/;

/** Values of the placeholders of an {@link OutputTag}. */
export interface TaggedImage {
  /** Tag of the image, if it has one. */
  readonly tag?: string;
  /** Digest of the image. */
  readonly digest: string;
}

/** Template for the tag of a SOCI-enabled image. */
export interface OutputTag {
  /** Text of the template. */
  readonly template: string;
  /** Whether the template needs the tag of the original image. */
  readonly needsTag: boolean;
  /** Returns the tag, which can exceed the maximum length of a tag. Returns undefined for `none`. */
  format(image: TaggedImage): string | undefined;
  /** Reports whether a tag is one that this template makes. */
  isOutput(tag: string): boolean;
  /** Filter (syntax of {@link parseFilters}) that matches images with these tags. Undefined for `none`. */
  readonly outputFilter: string | undefined;
}

/**
 * Parses an output tag: text with `{tag}` (tag of the image) or `{digest12}` (first 12 hex digits of its digest), or `none`.
 *
 * @throws FilterError `OPTION_INVALID` if the template has an unknown placeholder or none at all, if it is only `{tag}` (it would overwrite the image's
 *   tag), or if it does not make a valid tag.
 */
export function parseOutputTag(template: string): OutputTag {
  if (template === NO_OUTPUT_TAG) {
    return { template, needsTag: false, format: () => undefined, isOutput: () => false, outputFilter: undefined };
  }
  const placeholders = template.match(PLACEHOLDER) ?? [];
  const unknown = placeholders.find((each) => each !== '{tag}' && each !== '{digest12}');
  if (unknown !== undefined) throw invalid(`${quoteText(unknown)} is not a placeholder: use {tag} or {digest12}`);
  if (placeholders.length === 0) {
    throw invalid(`${quoteText(template)} has no placeholder, so every image would get the same tag: add {tag}`);
  }
  if (template === '{tag}') {
    throw invalid('"{tag}" would overwrite the tag of the image: add text, such as {tag}-soci');
  }
  const sample = template.replaceAll('{tag}', 'v').replaceAll('{digest12}', '0'.repeat(SHORT_DIGEST_LENGTH));
  if (!TAG.test(sample)) {
    throw invalid(
      `${quoteText(template)} does not make a valid tag: use up to 128 letters, digits, _ . and -, not starting with . or -`,
    );
  }
  // The other characters are those of a tag.
  const pattern = template.replaceAll('.', '\\.').replaceAll('{tag}', '.+').replaceAll('{digest12}', SHORT_DIGEST);
  const output = new RegExp(`^${pattern}$`);
  return {
    template,
    isOutput: (tag) => output.test(tag),
    needsTag: template.includes('{tag}'),
    format: ({ tag = '', digest }) => template.replaceAll('{tag}', tag).replaceAll('{digest12}', shortDigest(digest)),
    outputFilter: `*:${template.replaceAll('{tag}', '*').replaceAll('{digest12}', '[0-9a-f]'.repeat(SHORT_DIGEST_LENGTH))}`,
  };
}

function invalid(problem: string): FilterError {
  return new FilterError('OPTION_INVALID', problem);
}

function shortDigest(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1).slice(0, SHORT_DIGEST_LENGTH);
}
