export {
  FILTER_BUNDLE,
  type FunctionBundle,
  GENERATOR_BUNDLE,
  JOBS_BUNDLE,
  REPOSITORY_NAMES_FILE,
} from './bundles.ts';
export type { SociIndexedImageProperties } from './deploy-time/resource.ts';
export type { FilterEnvironment } from './environment/filter-settings.ts';
export type { GeneratorEnvironment } from './environment/generator-settings.ts';
export type { JobsEnvironment } from './environment/jobs-settings.ts';
export type { FilterResponse } from './filter/filter-event.ts';
export type { GeneratorResponse } from './generator/generate.ts';
