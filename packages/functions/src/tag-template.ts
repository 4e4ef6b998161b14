export { type OutputTag, parseOutputTag } from './tag/output-tag.ts';
