export { FILTERS_ROOM } from './environment/filters-room.ts';
export {
  DEFAULT_OUTPUT_TAG,
  DIGEST_OUTPUT_TAG,
  NO_OUTPUT_TAG,
  type OutputTag,
  parseOutputTag,
} from './tag/output-tag.ts';
