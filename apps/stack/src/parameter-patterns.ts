// What texts the parameters of the plain template may be, as regular expressions that CloudFormation and JavaScript read alike.

/**
 * One filter: AWS's SOCI Index Builder takes lower case and `*`; upper case in tags, `?`, sets in brackets, `__` and exclusions
 * are taken here. What else is wrong, the custom resource finds when the stack is deployed.
 */
export const FILTER_PATTERN = '^ *!?[a-z0-9*?\\[\\]!._/-]+:[A-Za-z0-9*?\\[\\]!._-]+ *$';

/** A name of a bucket. */
export const BUCKET_PATTERN = '^[0-9a-z]+([0-9a-z-.]*[0-9a-z])*$';

/** Folders, each with a slash at its end. None has dots alone, as `..` would lead out of the folder that a package is written to. */
export const PREFIX_PATTERN = "^([.]*[0-9a-zA-Z!_*'()-][0-9a-zA-Z!_.*'()-]*/)*$";

/** A Region, or nothing. */
export const REGION_PATTERN = '^([a-z]+(-[a-z]+)+-[0-9]{1,2})?$';

/** The ARN of a policy of IAM, or `none`. */
export const BOUNDARY_PATTERN = '^(none|arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\\w+=,.@/-]+)$';

/** Text in tags, and placeholders. */
const REST_OF_TAG = '([A-Za-z0-9_.-]|[{]tag[}]|[{]digest12[}])';
const TEXT_FIRST = '[A-Za-z0-9_][A-Za-z0-9_.-]*';

/**
 * What `parseOutputTag` of `@soci/functions` takes: text with a placeholder, which is the first of them here; with `{tag}`
 * something besides, or the tag would be taken from the image itself.
 */
export const OUTPUT_TAG_PATTERN = [
  '^(none',
  `(${TEXT_FIRST})?[{]digest12[}]${REST_OF_TAG}*`,
  `${TEXT_FIRST}[{]tag[}]${REST_OF_TAG}*`,
  `[{]tag[}]${REST_OF_TAG}+)$`,
].join('|');

/**
 * Characters of a template for tags. A tag has 128, and each `{digest12}` is two longer than it is written: with ten of them, and
 * eight more characters, it is full.
 */
export const MAX_OUTPUT_TAG = 108;
