/** Where the zips lie below the prefix: as those of AWS's SOCI Index Builder, so that permissions to fetch them hold. */
export const FUNCTION_KEYS = {
  filter: 'functions/packages/ecr-image-action-event-filtering/lambda.zip',
  generator: 'functions/packages/soci-index-generator-lambda/soci_index_generator_lambda.zip',
} as const;
