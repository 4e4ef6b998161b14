// What the construct asks while a template is made. Bundled into one file of CommonJS: a CDK app installs nothing for it.
export { eventPattern, parseFilters, repositoryPatterns } from '@soci/filter';
export { parseOutputTag } from '@soci/functions/tag-template';
