// What the construct asks while a template is made. Bundled into one file of CommonJS: a CDK app installs nothing for it.
export { eventPattern, parseFilters, repositoryPatterns } from '@soci/filter';
export {
  DEFAULT_OUTPUT_TAG,
  DIGEST_OUTPUT_TAG,
  FILTERS_ROOM,
  NO_OUTPUT_TAG,
  parseOutputTag,
} from '@soci/functions/template-rules';
