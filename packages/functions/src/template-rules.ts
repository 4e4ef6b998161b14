export {
  DEFAULT_OUTPUT_TAG,
  DIGEST_OUTPUT_TAG,
  NO_OUTPUT_TAG,
  type OutputTag,
  parseOutputTag,
} from '@soci/filter';
export { MAX_FILTERS_LENGTH } from './environment/filter-settings.ts';
