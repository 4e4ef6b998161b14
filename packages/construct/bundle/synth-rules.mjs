// Code that the construct needs during synthesis. Bundled into one CommonJS file, so CDK apps need no more dependencies.
export { eventPattern, parseFilters, repositoryPatterns } from '@soci/filter';
export {
  DEFAULT_OUTPUT_TAG,
  DIGEST_OUTPUT_TAG,
  MAX_FILTERS_LENGTH,
  NO_OUTPUT_TAG,
  parseOutputTag,
} from '@soci/functions/template-rules';
