import { isTag } from '@soci/oci';

/** What the tag of an index is called where nothing else is said: the builder of AWS calls it so, and people deploy it. */
export const DEFAULT_OUTPUT_TAG = '{tag}-soci';

/** What it is called for an image that has no tag, as it is given by its digest. */
export const DIGEST_OUTPUT_TAG = 'soci-{digest12}';

/** Instead of a template: the index gets no tag, and is found by its digest. */
export const NO_OUTPUT_TAG = 'none';

const PLACEHOLDER = /\{[^}]*\}/g;

/** Hexadecimal digits of a digest that `{digest12}` stands for. */
const SHORT_DIGEST_LENGTH = 12;

/** What a template is filled with. */
export interface TaggedImage {
  /** Tag of the image; absent where it has none. */
  readonly tag?: string;
  /** Digest of the image. */
  readonly digest: string;
}

/** How the tag of a converted image is made from the image's own. */
export interface OutputTag {
  /** As it was written. */
  readonly template: string;
  /** Whether an image without a tag has none of these either. */
  readonly needsTag: boolean;
  /** The tag, which may be longer than tags can be; undefined where there is to be none. */
  format(image: TaggedImage): string | undefined;
  /** A filter, in the syntax of `@soci/filter`, for the images that bear such a tag; undefined where there is none. */
  readonly ownFilter: string | undefined;
}

/**
 * Reads a template for tags: text with `{tag}`, the tag of the image, and `{digest12}`, the first 12 hexadecimal digits of
 * its digest; or `none`.
 *
 * @throws Error with what is wrong with it: a placeholder that there is not, none at all (every image would get the same
 *   tag), the image's own tag (which would be taken away from it), characters that no tag has.
 */
export function parseOutputTag(template: string): OutputTag {
  if (template === NO_OUTPUT_TAG) {
    return { template, needsTag: false, format: () => undefined, ownFilter: undefined };
  }
  const placeholders = template.match(PLACEHOLDER) ?? [];
  const unknown = placeholders.find((each) => each !== '{tag}' && each !== '{digest12}');
  if (unknown !== undefined) throw new Error(`${quote(unknown)} is no placeholder: there are {tag} and {digest12}`);
  if (placeholders.length === 0) {
    throw new Error(`${quote(template)} has no placeholder, so that every image would get the same tag: add {tag}`);
  }
  if (template === '{tag}') {
    throw new Error('"{tag}" would take the tag away from the image itself: add something, such as {tag}-soci');
  }
  const sample = template.replaceAll('{tag}', 'v').replaceAll('{digest12}', '0'.repeat(SHORT_DIGEST_LENGTH));
  if (!isTag(sample)) {
    throw new Error(
      `${quote(template)} makes no tag: those are up to 128 letters, digits, _ . and -, the last two not first`,
    );
  }
  return {
    template,
    needsTag: template.includes('{tag}'),
    format: ({ tag = '', digest }) => template.replaceAll('{tag}', tag).replaceAll('{digest12}', shortDigest(digest)),
    ownFilter: `*:${template.replaceAll('{tag}', '*').replaceAll('{digest12}', '[0-9a-f]'.repeat(SHORT_DIGEST_LENGTH))}`,
  };
}

function shortDigest(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1).slice(0, SHORT_DIGEST_LENGTH);
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}
