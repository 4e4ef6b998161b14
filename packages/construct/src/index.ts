export { SociIndexBuilder } from './soci-index-builder';
export type { SociIndexBuilderProps } from './soci-index-builder-props';
export { SociIndexVersion } from './soci-index-version';
